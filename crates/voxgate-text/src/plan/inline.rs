//! Control inside plain text, for callers that switch it on.
//!
//! What engines in the field read: `[word](/IPA/)` (Kokoro's front end), `[pause:1.5s]` and `<break time="1.5s"/>`. Only
//! these exact forms are control; brackets, links and tags of any other form stay text.

use std::sync::LazyLock;

use regex::Regex;

use super::builder::{Builder, Style};
use super::{MAX_GIVEN_BYTES, MAX_MARKUP_BYTES, MarkupError, Plan, values};
use crate::passage::{Ending, FixedReading};
use crate::pronounce::check_ipa;

static CONTROL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"\[(?P<word>[^\[\]\r\n]{1,500})\]\(/(?P<ipa>[^/()\r\n]{1,500})/\)|\[pause: ?(?P<pause>[^\[\]\r\n]{1,20})\]|<break[ \t]+time[ \t]*=[ \t]*(?:"(?P<double>[^"<>\r\n]{0,20})"|'(?P<single>[^'<>\r\n]{0,20})')[ \t]*/?>"#,
    )
    .expect("a literal pattern")
});

pub(super) fn parse(text: &str) -> Result<Plan<'static>, MarkupError> {
    if text.len() > MAX_MARKUP_BYTES {
        return Err(MarkupError::at(
            text,
            MAX_MARKUP_BYTES,
            format!("the text is longer than {MAX_MARKUP_BYTES} bytes; send it in parts"),
        ));
    }
    let mut builder = Builder::default();
    let style = Style::default();
    let mut at = 0;
    for found in CONTROL.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        let range = whole.range();
        let wrong = |offset: usize, message: String| MarkupError::at(text, offset, message);
        builder.lines(&style, &text[at..range.start], at);
        at = range.end;
        if let (Some(word), Some(ipa)) = (found.name("word"), found.name("ipa")) {
            check_ipa(ipa.as_str()).map_err(|error| wrong(ipa.start(), error.to_string()))?;
            if word.len() > MAX_GIVEN_BYTES {
                return Err(wrong(
                    word.start(),
                    format!("the text of a pronunciation is longer than {MAX_GIVEN_BYTES} bytes"),
                ));
            }
            let reading = FixedReading::Ipa {
                ipa: ipa.as_str().to_owned(),
                possessive: false,
            };
            builder.given(&style, word.as_str(), reading, word.range());
        } else if let Some(time) = ["pause", "double", "single"]
            .iter()
            .find_map(|name| found.name(name))
        {
            let milliseconds =
                values::time(time.as_str()).map_err(|message| wrong(time.start(), message))?;
            if builder.pause(milliseconds, range.clone()).is_err() {
                let message = format!(
                    "the pauses together are longer than {} s",
                    super::MAX_BREAKS_MS / 1_000
                );
                return Err(wrong(range.start, message));
            }
        }
    }
    builder.lines(&style, &text[at..], at);
    builder.close(Ending::Paragraph);
    Ok(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Item;

    fn shown(text: &str) -> Vec<String> {
        let plan = match parse(text) {
            Ok(plan) => plan,
            Err(error) => panic!("{text}: {error}"),
        };
        plan.items
            .iter()
            .map(|item| match item {
                Item::Speech(u) => {
                    let given: Vec<&str> = u
                        .passage
                        .fixed()
                        .iter()
                        .map(|f| &u.passage.text()[f.range.clone()])
                        .collect();
                    format!("{} {given:?}", u.passage.text())
                }
                Item::Break { milliseconds, .. } => format!("break {milliseconds}"),
            })
            .collect()
    }

    #[test]
    fn control_and_text() {
        for (text, expected) in [
            (
                "Say [Kokoro](/kˈOkəɹO/)!",
                &["Say Kokoro! [\"Kokoro\"]"][..],
            ),
            ("One[pause:500ms]two", &["One []", "break 500", "two []"]),
            (
                "One <break time=\"1s\"/> two",
                &["One  []", "break 1000", " two []"],
            ),
            (
                "See [a link](http://x.y/) and [x] (/y/).",
                &["See [a link](http://x.y/) and [x] (/y/). []"],
            ),
            ("line\nbreaks stay", &["line\nbreaks stay []"]),
            ("", &[]),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_where_it_stands() {
        let error = parse("a\n[b](/ǃ/)").unwrap_err();
        assert_eq!((error.line, error.column), (2, 6), "{error}");
        let error = parse("[pause:soon]").unwrap_err();
        assert_eq!((error.line, error.column), (1, 8), "{error}");
    }
}
