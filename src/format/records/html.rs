//! Records of HTML, by `lol_html`, which tells tags as browsers do. Nothing is changed here: what comes out is counted by its bytes.

mod page;
mod rows;
mod table;

use std::{cell::RefCell, rc::Rc};

use lol_html::{
    DocumentContentHandlers, ElementContentHandlers, HtmlRewriter, MemorySettings, Selector, Settings,
    html_content::{Comment, Element, TextChunk, TextType},
};

use self::page::{Mark, Page};
use super::{Facts, Hold, Records, Sink};
use crate::format::{
    html::{LONGEST_TAG, Repair, UNREADABLE, Written},
    visitor::Malformed,
};

/// Parts HTML.
pub(super) struct Html {
    page: Rc<RefCell<Page>>,
    out: Rc<RefCell<Vec<u8>>>,
    repair: Repair,
    rewriter: Option<HtmlRewriter<'static, Written>>,
    /// How many bytes were taken from `out` so far.
    taken: usize,
    at: Place,
    list: List,
    hold: Hold,
}

/// Where what comes stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Record,
    /// In a comment between records.
    Comment,
    Elsewhere,
}

/// Records side by side, with nothing between them but space and comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    None,
    /// Of elements of this name.
    Of(&'static str),
    Broken,
}

impl std::fmt::Debug for Html {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Html").finish_non_exhaustive()
    }
}

impl Html {
    /// Where attributes or columns are known.
    pub(super) fn new(records: &Records) -> Option<Self> {
        let page = Page::new(records)?;
        let has_columns = page.has_columns();
        let page = Rc::new(RefCell::new(page));
        let out = Rc::new(RefCell::new(Vec::new()));
        let elements = Rc::clone(&page);
        let every = ElementContentHandlers::default().element(move |element: &mut Element<'_, '_>| {
            let at = element.source_location().bytes();
            let mut ends = Vec::new();
            elements.borrow_mut().began(element, &at, &mut ends)?;
            let Some(handlers) = element.end_tag_handlers() else {
                elements.borrow_mut().is_void(&ends, at.end);
                return Ok(());
            };
            for ends in ends {
                let page = Rc::clone(&elements);
                handlers.push(Box::new(move |end| {
                    page.borrow_mut().ended(ends, &end.name(), &end.source_location().bytes());
                    Ok(())
                }));
            }
            Ok(())
        });
        let selector = "*".parse::<Selector>().ok()?;
        let comments = Rc::clone(&page);
        let between = DocumentContentHandlers::default().comments(move |comment: &mut Comment<'_>| {
            comments.borrow_mut().comment(&comment.source_location().bytes());
            Ok(())
        });
        let mut settings = Settings::new()
            .append_element_content_handler((std::borrow::Cow::Owned(selector), every))
            .append_document_content_handler(between)
            .with_memory_settings(MemorySettings::new().with_max_allowed_memory_usage(LONGEST_TAG));
        if has_columns {
            let texts = Rc::clone(&page);
            let document = DocumentContentHandlers::default().text(move |chunk: &mut TextChunk<'_>| {
                if chunk.text_type() == TextType::Data {
                    texts.borrow_mut().text(chunk.as_str());
                }
                Ok(())
            });
            settings = settings.append_document_content_handler(document);
        }
        let written = Rc::clone(&out);
        let sink: Written = Box::new(move |bytes: &[u8]| written.borrow_mut().extend_from_slice(bytes));
        let rewriter = Some(HtmlRewriter::new(settings, sink));
        let (at, list) = (Place::Elsewhere, List::None);
        Some(Self { page, out, repair: Repair::new(), rewriter, taken: 0, at, list, hold: Hold::default() })
    }

    pub(super) fn push(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<(), Malformed> {
        self.write(bytes, false)?;
        self.hand_on(sink)
    }

    pub(super) fn finish(&mut self, sink: &mut impl Sink) -> Result<(), Malformed> {
        self.write(b"", true)?;
        if let Some(rewriter) = self.rewriter.take() {
            rewriter.end().map_err(|_| UNREADABLE)?;
        }
        self.hand_on(sink)?;
        let last = {
            let mut page = self.page.borrow_mut();
            page.end(self.taken);
            page.marks.pop()
        };
        match last {
            // The text at hand, or a tag that never ends, is the record's: nothing follows.
            Some((_, Mark::End(facts, _))) => self.hold.rest(&facts, sink),
            Some((_, Mark::Cancel)) => self.hold.cancel(sink).map(|_| ()),
            Some((_, Mark::Begin | Mark::Comment | Mark::Back)) | None => self.close(sink),
        }
    }

    fn write(&mut self, bytes: &[u8], last: bool) -> Result<(), Malformed> {
        let Some(rewriter) = self.rewriter.as_mut() else { return Ok(()) };
        rewriter.write(self.repair.push(bytes, last)).map_err(|_| UNREADABLE)
    }

    /// Hands on what is decided on.
    fn hand_on(&mut self, sink: &mut impl Sink) -> Result<(), Malformed> {
        let mut out = std::mem::take(&mut *self.out.borrow_mut());
        let marks = std::mem::take(&mut self.page.borrow_mut().marks);
        let mut from = 0;
        for (at, mark) in marks {
            let to = at.checked_sub(self.taken).filter(|to| (from..=out.len()).contains(to)).ok_or(UNREADABLE)?;
            let bytes = &out[from..to];
            from = to;
            match &mark {
                Mark::Begin | Mark::Comment | Mark::Back => self.pass(bytes, sink)?,
                Mark::End(facts, kin) => {
                    self.goes_on(*kin, sink)?;
                    self.end(bytes, facts, sink)?;
                }
                Mark::Cancel => {
                    self.pass(bytes, sink)?;
                    if !self.hold.cancel(sink)? {
                        self.end(b"", &Facts::default(), sink)?;
                    }
                }
            }
            self.at = match mark {
                Mark::Begin => Place::Record,
                Mark::Comment => Place::Comment,
                Mark::End(..) | Mark::Cancel | Mark::Back => Place::Elsewhere,
            };
        }
        self.pass(&out[from..], sink)?;
        self.taken += out.len();
        out.clear();
        *self.out.borrow_mut() = out;
        Ok(())
    }

    fn pass(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<(), Malformed> {
        match (self.at, self.list) {
            (Place::Record, _) => self.hold.more(bytes, sink),
            (Place::Comment, _) | (_, List::None) => sink.outside(bytes),
            (Place::Elsewhere, _) => {
                let space = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                sink.outside(&bytes[..space])?;
                if space < bytes.len() {
                    self.close(sink)?;
                    sink.outside(&bytes[space..])?;
                }
                Ok(())
            }
        }
    }

    /// A record ends that is of the list at hand, or of a new one; of none where others can't stand beside it.
    fn goes_on(&mut self, kin: Option<&'static str>, sink: &mut impl Sink) -> Result<(), Malformed> {
        let next = match (self.list, kin) {
            (List::None, Some(tag)) => {
                sink.opens(&[])?;
                List::Of(tag)
            }
            (List::Of(tag), kin) if kin == Some(tag) => self.list,
            _ => List::Broken,
        };
        if next == List::Broken {
            sink.breaks();
        }
        self.list = next;
        Ok(())
    }

    /// Something else follows.
    fn close(&mut self, sink: &mut impl Sink) -> Result<(), Malformed> {
        match std::mem::replace(&mut self.list, List::None) {
            List::Of(_) => sink.closes(),
            List::None | List::Broken => Ok(()),
        }
    }

    fn end(&mut self, bytes: &[u8], facts: &Facts, sink: &mut impl Sink) -> Result<(), Malformed> {
        self.hold.last(bytes, facts, sink).map(|_| ())
    }
}
