//! Documents, what becomes of them, and what is wrong with others.

use super::*;
use crate::plan::{Item, is_ssml};

/// A plan in one line per item.
fn shown(text: &str) -> Vec<String> {
    let plan = match parse(text) {
        Ok(plan) => plan,
        Err(error) => panic!("{text}: {error}"),
    };
    plan.items
        .iter()
        .map(|item| match item {
            Item::Speech(u) => {
                let mut out = format!("{:?} {:?}", u.passage.ending(), u.passage.text());
                if u.rate != 1.0 {
                    out += &format!(" rate {:.2}", u.rate);
                }
                if u.volume != 1.0 {
                    out += &format!(" volume {:.2}", u.volume);
                }
                if let Some(voice) = &u.voice {
                    out += &format!(" voice {voice}");
                }
                if let Some(language) = &u.language {
                    out += &format!(" lang {language}");
                }
                out
            }
            Item::Break { milliseconds, .. } => format!("break {milliseconds}"),
        })
        .collect()
}

#[test]
fn documents() {
    for (text, expected) in [
        (
            "<speak>Hello world.</speak>",
            &["Paragraph \"Hello world.\""][..],
        ),
        ("<speak/>", &[]),
        (
            "<?xml version=\"1.0\"?>\n<speak version=\"1.1\" xmlns=\"http://www.w3.org/2001/10/synthesis\" xml:lang=\"en-US\"><!-- x -->Hi<![CDATA[ <b> ]]>&amp; &#65;</speak>\n",
            &["Paragraph \"Hi <b> & A\" lang en-US"],
        ),
        (
            "<speak>Wait <break time=\"1.5s\"/> there<break strength='weak'/></speak>",
            &[
                "Open \"Wait \"",
                "break 1500",
                "Paragraph \" there\"",
                "break 200",
            ],
        ),
        (
            "<speak><p><s>One</s> <s>two.</s></p>three</speak>",
            &[
                "Sentence \"One\"",
                "Paragraph \"two.\"",
                "Paragraph \"three\"",
            ],
        ),
        (
            "<speak>a <prosody rate=\"fast\" volume=\"-6dB\">b <prosody rate=\"80%\">c</prosody></prosody></speak>",
            &[
                "Open \"a \"",
                "Open \"b \" rate 1.25 volume 0.50",
                "Paragraph \"c\" volume 0.50",
            ],
        ),
        (
            "<speak>The <sub alias=\"World Wide Web\">WWW</sub> is <emphasis level=\"strong\">b</emphasis>ig\nnow</speak>",
            &["Paragraph \"The World Wide Web is big now\""],
        ),
        (
            "<speak><voice name=\"af_heart\">Hi <lang xml:lang=\"en-GB\">there</lang></voice></speak>",
            &[
                "Open \"Hi \" voice af_heart",
                "Paragraph \"there\" voice af_heart lang en-GB",
            ],
        ),
    ] {
        assert_eq!(shown(text), expected, "{text}");
        assert!(is_ssml(text) || text.starts_with("<?xml"));
    }
}

#[test]
fn sources_point_into_the_document() {
    let text = "<speak>A &lt; <sub alias=\"be\">b</sub> c\r\nd</speak>";
    let plan = parse(text).unwrap();
    let passage = &plan.utterances().next().unwrap().passage;
    assert_eq!(passage.text(), "A < be c  d");
    for (word, source) in [
        ("A", "A"),
        ("<", "&lt;"),
        ("be", "b"),
        ("c", "c"),
        ("d", "d"),
    ] {
        let at = passage.text().find(word).unwrap();
        assert_eq!(&text[passage.source(at..at + word.len())], source, "{word}");
    }
}

#[test]
fn errors_name_the_place_and_what_to_change() {
    let deep = format!("<speak>{}x", "<emphasis>".repeat(MAX_MARKUP_DEPTH));
    let breaks = format!("<speak>{}</speak>", "<break time='10s'/>".repeat(61));
    let long = format!(
        "<speak><say-as interpret-as='characters'>{}</say-as></speak>",
        "a".repeat(MAX_GIVEN_BYTES + 1)
    );
    for (text, line, column, part) in [
        ("<speak>\n  Tom & Jerry</speak>", 2, 7, "&amp;"),
        ("<speak>a < b</speak>", 1, 10, "&lt;"),
        ("<speak>a &nbsp; b</speak>", 1, 10, "&nbsp;"),
        ("<speak>a</p></speak>", 1, 9, "expected `</speak>`"),
        ("<speak>a", 1, 1, "add </speak>"),
        ("<speak>a</speak>b", 1, 17, "outside"),
        ("<speak>a</speak><speak/>", 1, 17, "more than one"),
        ("<speak><speak/></speak>", 1, 8, "inside"),
        ("<p>a</p>", 1, 1, "begins with <speak>"),
        ("hello", 1, 1, "outside"),
        ("", 1, 1, "no <speak>"),
        (
            "<!DOCTYPE speak [<!ENTITY x 'y'>]><speak>&x;</speak>",
            1,
            1,
            "DTD",
        ),
        ("<speak><?php x?></speak>", 1, 8, "processing"),
        ("<speak><audio src='x'/></speak>", 1, 8, "<audio>"),
        (
            "<speak><prosody pitch='high'>a</prosody></speak>",
            1,
            8,
            "pitch",
        ),
        (
            "<speak><prosody rate='wild'>a</prosody></speak>",
            1,
            8,
            "x-slow",
        ),
        (
            "<speak><prosody speed='2'>a</prosody></speak>",
            1,
            8,
            "\"speed\"",
        ),
        ("<speak><break time='1h'/></speak>", 1, 8, "500ms"),
        ("<speak><break>x</break></speak>", 1, 15, "empty"),
        ("<speak><say-as>5</say-as></speak>", 1, 8, "interpret-as"),
        (
            "<speak><say-as interpret-as='x'>5</say-as></speak>",
            1,
            8,
            "cardinal",
        ),
        (
            "<speak><say-as interpret-as='date' format='x'>5</say-as></speak>",
            1,
            8,
            "mdy",
        ),
        ("<speak><sub>5</sub></speak>", 1, 8, "alias"),
        (
            "<speak><sub alias='x'><p/></sub></speak>",
            1,
            23,
            "text only",
        ),
        (
            "<speak><phoneme ph='ǃa'>5</phoneme></speak>",
            1,
            8,
            "character 1",
        ),
        (
            "<speak><phoneme alphabet='x-sampa' ph='a'>5</phoneme></speak>",
            1,
            8,
            "ipa",
        ),
        ("<speak><voice>5</voice></speak>", 1, 8, "name"),
        ("<speak><lang>5</lang></speak>", 1, 8, "xml:lang"),
        ("<speak><lang xml:lang='x_'>5</lang></speak>", 1, 8, "en-US"),
        ("<speak><p a=1>5</p></speak>", 1, 8, "attribute"),
        (
            "<speak><p xml:lang='en' xml:lang='de'>5</p></speak>",
            1,
            8,
            "attribute",
        ),
        (deep.as_str(), 1, 8 + 31 * 10, "32 deep"),
        (breaks.as_str(), 1, 8 + 60 * 19, "600 s"),
        (long.as_str(), 1, 42, "500 bytes"),
    ] {
        let error = match parse(text) {
            Ok(plan) => panic!("{text}: {plan:?}"),
            Err(error) => error,
        };
        assert_eq!(
            (error.line, error.column),
            (line, column),
            "{text}: {error}"
        );
        assert!(error.message.contains(part), "{text}: {error}");
    }
}

/// The work grows with the document, not with its square.
#[test]
fn large_documents_are_quick() {
    let start = std::time::Instant::now();
    for body in [
        format!(
            "{}{}",
            "<break time='0s'/>".repeat(25_000),
            "<p></p>".repeat(80_000)
        ),
        "<phoneme ph='a'>b</phoneme>. ".repeat(30_000),
        "&amp;".repeat(200_000),
        "<!-- x -->".repeat(100_000),
    ] {
        assert!(parse(&format!("<speak>x{body}</speak>")).is_ok());
    }
    assert!(parse(&format!("<speak {}/>", "a='1' ".repeat(170_000))).is_err());
    assert!(parse(&"<p>".repeat(300_000)).is_err());
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}
