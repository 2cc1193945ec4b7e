//! Records of HTML, by `lol_html`, which tells tags as browsers do. Nothing is changed here: what comes out is counted by its bytes.

mod page;
mod table;

use std::{cell::RefCell, rc::Rc};

use lol_html::{
    DocumentContentHandlers, ElementContentHandlers, HtmlRewriter, MemorySettings, Selector, Settings,
    html_content::{Element, TextChunk, TextType},
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
    in_record: bool,
    hold: Hold,
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
        let mut settings = Settings::new()
            .append_element_content_handler((std::borrow::Cow::Owned(selector), every))
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
        Some(Self { page, out, repair: Repair::new(), rewriter, taken: 0, in_record: false, hold: Hold::default() })
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
        let mut page = self.page.borrow_mut();
        page.end(self.taken);
        match page.marks.pop() {
            // The text at hand, or a tag that never ends, is the record's: nothing follows.
            Some((_, Mark::End(facts))) => self.hold.rest(&facts, sink),
            Some((_, Mark::Cancel)) => self.hold.cancel(sink).map(|_| ()),
            Some((_, Mark::Begin)) | None => Ok(()),
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
                Mark::Begin => self.pass(bytes, sink)?,
                Mark::End(facts) => self.end(bytes, facts, sink)?,
                Mark::Cancel => {
                    self.pass(bytes, sink)?;
                    if !self.hold.cancel(sink)? {
                        self.end(b"", &Facts::default(), sink)?;
                    }
                }
            }
            self.in_record = matches!(mark, Mark::Begin);
        }
        self.pass(&out[from..], sink)?;
        self.taken += out.len();
        out.clear();
        *self.out.borrow_mut() = out;
        Ok(())
    }

    fn pass(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<(), Malformed> {
        if self.in_record { self.hold.more(bytes, sink) } else { sink.outside(bytes) }
    }

    fn end(&mut self, bytes: &[u8], facts: &Facts, sink: &mut impl Sink) -> Result<(), Malformed> {
        self.hold.last(bytes, facts, sink).map(|_| ())
    }
}
