//! SSML to a plan: the elements this server understands, strictly.
//!
//! The XML is read by `quick-xml` as a stream of events, so that nothing is expanded, fetched or held in a tree; what XML
//! allows beyond elements, attributes, text, comments and CDATA is refused here.

mod element;

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::builder::{Builder, Style};
use super::error::quoted;
use super::{MAX_GIVEN_BYTES, MAX_MARKUP_BYTES, MAX_MARKUP_DEPTH, MarkupError, Plan, is_lead};
use crate::passage::FixedReading;
use element::{Attributes, Element, GivenWhat, Open};

/// More attributes than this are no element of SSML.
const MAX_ATTRIBUTES: usize = 12;

pub(super) fn parse(text: &str) -> Result<Plan<'static>, MarkupError> {
    if text.len() > MAX_MARKUP_BYTES {
        return Err(MarkupError::at(
            text,
            MAX_MARKUP_BYTES,
            format!("the document is longer than {MAX_MARKUP_BYTES} bytes; send it in parts"),
        ));
    }
    let lead = text.len() - text.trim_start_matches(is_lead).len();
    let mut reader = Reader::from_str(&text[lead..]);
    reader.config_mut().check_comments = false;
    let mut parser = Parser {
        text,
        open: Vec::new(),
        builder: Builder::default(),
        root_seen: false,
    };
    loop {
        let start = lead + position(reader.buffer_position());
        let event = reader.read_event().map_err(|error| {
            let offset = lead + position(reader.error_position());
            MarkupError::at(text, offset.max(start), syntax(&error))
        })?;
        let range = start..lead + position(reader.buffer_position());
        match event {
            Event::Start(tag) => parser.start(&tag, range)?,
            Event::Empty(tag) => {
                parser.start(&tag, range.clone())?;
                parser.end(range.end..range.end)?;
            }
            Event::End(_) => parser.end(range)?,
            Event::Text(_) => parser.text(range)?,
            Event::CData(_) => parser.text(range.start + 9..range.end.saturating_sub(3))?,
            Event::GeneralRef(entity) => {
                let c = character(&entity).ok_or_else(|| {
                    parser.wrong(
                        start,
                        format!(
                            "unknown entity {}: only &amp; &lt; &gt; &quot; &apos; and character numbers are known; write an ampersand as &amp;",
                            quoted(&text[range.clone()])
                        ),
                    )
                })?;
                parser.character(c, range)?;
            }
            Event::Comment(_) => {}
            Event::Decl(_) if !parser.root_seen => {}
            Event::Decl(_) | Event::PI(_) => {
                return Err(
                    parser.wrong(start, "processing instructions are not allowed; remove it")
                );
            }
            Event::DocType(_) => {
                return Err(parser.wrong(
                    start,
                    "a document type (DTD) is not allowed; remove <!DOCTYPE …>",
                ));
            }
            Event::Eof => return parser.finish(),
        }
    }
}

fn position(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// What the XML reader did not like, with what to do.
fn syntax(error: &quick_xml::Error) -> String {
    match error {
        quick_xml::Error::IllFormed(quick_xml::errors::IllFormedError::UnclosedReference) => {
            "an ampersand in text is written &amp;".to_owned()
        }
        error => format!("not well-formed XML: {error}"),
    }
}

fn character(entity: &quick_xml::events::BytesRef<'_>) -> Option<char> {
    if entity.is_char_ref() {
        return entity.resolve_char_ref().ok().flatten();
    }
    Some(match &**entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

struct Parser<'t> {
    text: &'t str,
    open: Vec<Open>,
    builder: Builder,
    root_seen: bool,
}

impl Parser<'_> {
    fn wrong(&self, offset: usize, message: impl Into<String>) -> MarkupError {
        MarkupError::at(self.text, offset, message)
    }

    fn text(&mut self, range: Range<usize>) -> Result<(), MarkupError> {
        let text = self.text.get(range.clone()).unwrap_or_default();
        self.content(text, range, true)
    }

    fn character(&mut self, c: char, range: Range<usize>) -> Result<(), MarkupError> {
        self.content(c.encode_utf8(&mut [0; 4]), range, false)
    }

    fn content(
        &mut self,
        text: &str,
        range: Range<usize>,
        copied: bool,
    ) -> Result<(), MarkupError> {
        let Some(open) = self.open.last_mut() else {
            return if text.trim().is_empty() {
                Ok(())
            } else {
                Err(self.wrong(range.start, "text stands outside <speak>; move it inside"))
            };
        };
        if open.name == "break" && !text.trim().is_empty() {
            return Err(self.wrong(range.start, "<break> is empty; move the text behind it"));
        }
        match &mut open.given {
            Some(given) => {
                given.text.push_str(text);
                if given.text.len() > MAX_GIVEN_BYTES {
                    let message = format!(
                        "the text inside <{}> is longer than {MAX_GIVEN_BYTES} bytes; divide it",
                        open.name
                    );
                    return Err(self.wrong(range.start, message));
                }
            }
            None if copied => self.builder.text(&open.style, text, range.start),
            None => self.builder.instead(&open.style, text, range),
        }
        Ok(())
    }

    fn start(&mut self, tag: &BytesStart<'_>, range: Range<usize>) -> Result<(), MarkupError> {
        let name = tag.name().as_ref().to_owned();
        if name.is_empty() || name.starts_with(|c: char| !c.is_alphabetic()) {
            return Err(self.wrong(range.start, "a < in text is written &lt;"));
        }
        let parent = self.open.last();
        if let Some(parent) = parent.filter(|p| p.given.is_some() || p.name == "break") {
            let message = format!(
                "<{}> may hold text only; move <{name}> out of it",
                parent.name
            );
            return Err(self.wrong(range.start, message));
        }
        if self.open.len() >= MAX_MARKUP_DEPTH {
            let message = format!("elements stand more than {MAX_MARKUP_DEPTH} deep in each other");
            return Err(self.wrong(range.start, message));
        }
        let style = parent.map_or_else(Style::default, |p| p.style.clone());
        match (self.open.is_empty(), name == "speak") {
            (true, true) if !self.root_seen => self.root_seen = true,
            (true, true) => {
                return Err(self.wrong(
                    range.start,
                    "the document has more than one <speak>; join them",
                ));
            }
            (true, false) => {
                return Err(self.wrong(range.start, format!("the document begins with <speak>, not with <{name}>; put it inside <speak>…</speak>")));
            }
            (false, true) => {
                return Err(self.wrong(
                    range.start,
                    "<speak> stands inside <speak>; remove the inner one",
                ));
            }
            (false, false) => {}
        }
        let mut element = Element {
            attributes: self.attributes(tag, range.start)?,
            open: Open {
                name,
                tag: range.clone(),
                style,
                ending: None,
                given: None,
            },
        };
        let pause = element
            .read()
            .map_err(|message| self.wrong(range.start, message))?;
        if let Some(ending) = element.open.ending {
            self.builder.close(ending);
        }
        if let Some(milliseconds) = pause
            && self.builder.pause(milliseconds, range.clone()).is_err()
        {
            let message = format!(
                "the pauses together are longer than {} s",
                super::MAX_BREAKS_MS / 1_000
            );
            return Err(self.wrong(range.start, message));
        }
        self.open.push(element.open);
        Ok(())
    }

    fn end(&mut self, range: Range<usize>) -> Result<(), MarkupError> {
        let Some(open) = self.open.pop() else {
            return Err(self.wrong(range.start, "this end tag has no start tag; remove it"));
        };
        if let Some(given) = open.given {
            let inside = open.tag.end..range.start;
            // An element without text stands for itself.
            let source = if given.text.trim().is_empty() {
                open.tag.start..range.end.max(open.tag.end)
            } else {
                inside
            };
            let flat = given.text.replace(['\n', '\r', '\t'], " ");
            match given.what {
                GivenWhat::Alias(alias) => self.builder.instead(&open.style, &alias, source),
                GivenWhat::Reading(reading) => {
                    let text = match &reading {
                        FixedReading::Ipa { ipa, .. } if flat.trim().is_empty() => ipa,
                        _ => &flat,
                    };
                    self.builder
                        .given(&open.style, text, reading.clone(), source);
                }
            }
        }
        if let Some(ending) = open.ending {
            self.builder.close(ending);
        }
        Ok(())
    }

    fn attributes(&self, tag: &BytesStart<'_>, at: usize) -> Result<Attributes, MarkupError> {
        let mut out = Attributes::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|error| {
                self.wrong(
                    at,
                    format!("an attribute of this element is not well-formed: {error}"),
                )
            })?;
            if out.len() == MAX_ATTRIBUTES {
                return Err(self.wrong(
                    at,
                    format!("an element has at most {MAX_ATTRIBUTES} attributes"),
                ));
            }
            let name = attribute.key.as_ref();
            let value = quick_xml::escape::unescape(&attribute.value).map_err(|error| {
                self.wrong(
                    at,
                    format!("the value of {} is not well-formed: {error}", quoted(name)),
                )
            })?;
            if attribute.value.contains('<') {
                return Err(self.wrong(
                    at,
                    format!("a < in the value of {} is written &lt;", quoted(name)),
                ));
            }
            out.push((name.to_owned(), value.into_owned()));
        }
        Ok(out)
    }

    fn finish(self) -> Result<Plan<'static>, MarkupError> {
        match self.open.last() {
            Some(open) => {
                let message = format!("<{0}> is not closed; add </{0}>", open.name);
                Err(self.wrong(open.tag.start, message))
            }
            None if !self.root_seen => Err(self.wrong(0, "the document holds no <speak>…</speak>")),
            None => Ok(self.builder.finish()),
        }
    }
}

#[cfg(test)]
mod tests;
