//! HTML by `lol_html`: texts, attributes, comments and scripts.
//!
//! Names come from where a reader of the page would look: an input's `name`, `data-` attributes, the head of a table's column or row, the term
//! of a definition. A value that is spread over inline elements is seen in parts only. The input is UTF-8; broken sequences become
//! U+FFFD.

mod names;
mod raw;
mod repair;

use std::{cell::RefCell, rc::Rc};

use lol_html::{
    DocumentContentHandlers, ElementContentHandlers, HandlerResult, HtmlRewriter, MemorySettings, Selector, Settings,
    html_content::{Comment, Element, TextChunk, TextType},
};

pub use self::names::Names;
pub(super) use self::repair::Repair;
use self::{
    names::Ends,
    raw::{Script, boundary, is_odd, may_end, script},
};
use super::{
    entity,
    json::Json,
    path::Path,
    visitor::{HELD, Malformed, Node, Shape, Visitor},
};

/// Longest tag, in bytes.
pub(super) const LONGEST_TAG: usize = 4 << 20;
/// Attributes that say how a page looks and works, and hold nobody's data.
const STRUCTURE: &[&str] = &[
    "class",
    "style",
    "type",
    "rel",
    "method",
    "http-equiv",
    "lang",
    "charset",
    "width",
    "height",
    "border",
    "bgcolor",
    "autocomplete",
    "align",
    "valign",
    "colspan",
    "rowspan",
    "target",
    "enctype",
    "integrity",
    "nonce",
    "xmlns",
];

/// A reader of HTML.
pub struct Html<V: Visitor + 'static> {
    shared: Shared<V>,
    page: Rc<RefCell<Page<V>>>,
    out: Rc<RefCell<Vec<u8>>>,
    repair: Repair,
    rewriter: Option<HtmlRewriter<'static, Written>>,
}

/// Takes what `lol_html` writes.
pub(super) type Written = Box<dyn FnMut(&[u8])>;

impl<V: Visitor> std::fmt::Debug for Html<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Html").finish_non_exhaustive()
    }
}

/// The visitor, which handlers share.
struct Shared<V>(Rc<RefCell<V>>);

impl<V> Clone for Shared<V> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<V: Visitor> Visitor for Shared<V> {
    fn field(&mut self, at: &Path, value: &[u8], shape: Shape, out: &mut Vec<u8>) -> bool {
        self.0.borrow_mut().field(at, value, shape, out)
    }

    fn node(&mut self, node: Node<'_>) {
        self.0.borrow_mut().node(node);
    }

    fn name(&mut self, at: &Path, name: &[u8], out: &mut Vec<u8>) -> bool {
        self.0.borrow_mut().name(at, name, out)
    }

    fn part(&mut self, at: &Path, part: &[u8], out: &mut Vec<u8>) {
        self.0.borrow_mut().part(at, part, out);
    }

    fn end(&mut self, at: &Path, out: &mut Vec<u8>) {
        self.0.borrow_mut().end(at, out);
    }
}

impl<V: Visitor> Html<V> {
    /// A reader.
    ///
    /// # Panics
    /// Never: the one selector is valid.
    pub fn new(visitor: V) -> Self {
        Self::of(Page::new(visitor))
    }

    /// One of what stands in the midst of a page, where texts are called so. Nothing is passed over: the visitor is asked about each
    /// attribute and its name, and told of what nodes values are ([`Visitor::node`]).
    ///
    /// # Panics
    /// As of [`Html::new`].
    pub fn within(visitor: V, names: Names) -> Self {
        Self::of(Page { names, is_whole: true, ..Page::new(visitor) })
    }

    fn of(page: Page<V>) -> Self {
        let shared = page.visitor.clone();
        let out = Rc::new(RefCell::new(Vec::new()));
        let page = Rc::new(RefCell::new(page));
        let (texts, comments, elements) = (Rc::clone(&page), Rc::clone(&page), Rc::clone(&page));
        let document = DocumentContentHandlers::default()
            .text(move |chunk: &mut TextChunk<'_>| texts.borrow_mut().text(chunk))
            .comments(move |comment: &mut Comment<'_>| comments.borrow_mut().comment(comment));
        let every = ElementContentHandlers::default().element(move |element: &mut Element<'_, '_>| {
            if let Some(ends) = elements.borrow_mut().element(element)
                && let Some(handlers) = element.end_tag_handlers()
            {
                let page = Rc::clone(&elements);
                handlers.push(Box::new(move |_| {
                    page.borrow_mut().names.ended(ends);
                    Ok(())
                }));
            }
            Ok(())
        });
        let settings = Settings::new()
            .append_document_content_handler(document)
            .append_element_content_handler((
                std::borrow::Cow::Owned("*".parse::<Selector>().expect("a selector of one sign")),
                every,
            ))
            .with_memory_settings(MemorySettings::new().with_max_allowed_memory_usage(LONGEST_TAG));
        let written = Rc::clone(&out);
        let sink: Written = Box::new(move |bytes: &[u8]| written.borrow_mut().extend_from_slice(bytes));
        Self { shared, page, out, repair: Repair::new(), rewriter: Some(HtmlRewriter::new(settings, sink)) }
    }

    /// Looks at who is asked.
    pub fn with_visitor<R>(&self, look: impl FnOnce(&mut V) -> R) -> R {
        look(&mut self.shared.0.borrow_mut())
    }

    /// What texts are called at the place that was read up to.
    #[must_use]
    pub fn names(&self) -> Names {
        self.page.borrow().names.clone()
    }

    /// Reads a piece; appends what can go out.
    ///
    /// # Errors
    /// When it can't be told how a browser would read it, or a tag is too long.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        self.write(bytes, false)?;
        out.append(&mut self.out.borrow_mut());
        Ok(())
    }

    /// Ends the text at hand: a tag comes next, or the end.
    ///
    /// # Errors
    /// As of [`Html::push`].
    pub fn settle(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        // Where a comment begins a text ends. It goes no further than here.
        const COMMENT: &[u8] = b"<!---->";
        self.write(COMMENT, false)?;
        let mut new = self.out.borrow_mut();
        let text = new.strip_suffix(COMMENT).ok_or(UNREADABLE)?.len();
        new.truncate(text);
        out.append(&mut new);
        Ok(())
    }

    /// The end of the body.
    ///
    /// # Errors
    /// As of [`Html::push`].
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        self.write(b"", true)?;
        out.append(&mut self.out.borrow_mut());
        let Some(rewriter) = self.rewriter.take() else { return Ok(()) };
        rewriter.end().map_err(|_| UNREADABLE)?;
        // A tag that never ends comes out as it is, so the last bytes are looked at once more, as a text.
        let rest = std::mem::take(&mut *self.out.borrow_mut());
        let path = Path::new();
        self.shared.part(&path, &rest, out);
        self.shared.end(&path, out);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8], last: bool) -> Result<(), Malformed> {
        let Some(rewriter) = self.rewriter.as_mut() else { return Ok(()) };
        rewriter.write(self.repair.push(bytes, last)).map_err(|_| UNREADABLE)
    }
}

pub(super) const UNREADABLE: Malformed = Malformed("HTML that can be read in two ways, or a tag that is too long");

/// The page so far.
struct Page<V> {
    visitor: Shared<V>,
    names: Names,
    /// Nothing is passed over.
    is_whole: bool,
    script: Script,
    json: Option<Json<Shared<V>>>,
    /// Whether the text holds entities, and what of it came.
    held: String,
    pieces: usize,
    long: bool,
    path: Path,
    plain: Vec<u8>,
    new: Vec<u8>,
    written: Vec<u8>,
}

impl<V: Visitor> Page<V> {
    fn new(visitor: V) -> Self {
        Self {
            visitor: Shared(Rc::new(RefCell::new(visitor))),
            names: Names::default(),
            is_whole: false,
            script: Script::Code,
            json: None,
            held: String::new(),
            pieces: 0,
            long: false,
            path: Path::new(),
            plain: Vec::new(),
            new: Vec::new(),
            written: Vec::new(),
        }
    }

    fn text(&mut self, chunk: &mut TextChunk<'_>) -> HandlerResult {
        let kind = chunk.text_type();
        if kind == TextType::ScriptData && self.script == Script::Json && !self.is_whole {
            return self.json(chunk);
        }
        if kind == TextType::RawText && self.names.is_style() && !self.is_whole {
            return Ok(());
        }
        let escaped = kind.allows_html_entities();
        let is_code = kind == TextType::ScriptData && self.script == Script::Code;
        let shape = if is_code { Shape::Script } else { Shape::Text };
        let last = chunk.last_in_text_node();
        let first = self.pieces == 0;
        let short = self.held.len() + chunk.as_str().len() <= HELD;
        if last && first && short {
            let text = chunk.as_str();
            if !text.trim_ascii().is_empty() && self.whole(text.as_bytes(), escaped, shape) {
                let new = String::from_utf8_lossy(&self.written).into_owned();
                chunk.set_str(new);
            }
            return Ok(());
        }
        self.pieces += 1;
        let mut given = String::new();
        self.held.push_str(chunk.as_str());
        if self.long || self.held.len() > HELD {
            self.written.clear();
            self.parts(escaped, last);
            given = String::from_utf8_lossy(&self.written).into_owned();
        } else if last {
            let held = std::mem::take(&mut self.held);
            let rewritten = !held.trim_ascii().is_empty() && self.whole(held.as_bytes(), escaped, shape);
            given = if rewritten { String::from_utf8_lossy(&self.written).into_owned() } else { held };
        }
        if last {
            self.pieces = 0;
            self.long = false;
        }
        chunk.set_str(given);
        Ok(())
    }

    /// Shows a whole text; `true` when `written` takes its place.
    fn whole(&mut self, text: &[u8], escaped: bool, shape: Shape) -> bool {
        self.plain.clear();
        self.new.clear();
        let raw = !escaped;
        let escaped = escaped && memchr::memchr(b'&', text).is_some();
        if escaped {
            entity::decode(text, &mut self.plain);
        }
        let plain = if escaped { self.plain.as_slice() } else { text };
        self.names.saw(plain);
        if self.is_whole {
            self.visitor.node(if raw { Node::Raw } else { Node::Text(self.names.column()) });
        }
        let named = shape == Shape::Text && self.path.push(self.names.text(self.is_whole));
        let rewritten = self.visitor.field(&self.path, plain, shape, &mut self.new);
        if named {
            self.path.pop();
        }
        if rewritten {
            self.written.clear();
            if shape == Shape::Script || raw && !may_end(&self.new) {
                self.written.extend_from_slice(&self.new);
            } else {
                entity::encode(&self.new, &mut self.written);
            }
        }
        rewritten
    }

    /// Shows a long text in parts; their places in memory are cut at characters and before an entity that goes on.
    fn parts(&mut self, escaped: bool, last: bool) {
        let mut held = std::mem::take(&mut self.held);
        while !held.is_empty() {
            let mut take = if self.long { held.len() } else { boundary(&held, HELD) };
            let tail = boundary(&held, take.saturating_sub(entity::LONGEST));
            if escaped
                && !(last && take == held.len())
                && let Some(n) = held[tail..take].rfind('&').filter(|n| !held[tail + n..take].contains(';'))
            {
                take = tail + n;
            }
            if take == 0 {
                break;
            }
            self.plain.clear();
            self.new.clear();
            if escaped {
                entity::decode(&held.as_bytes()[..take], &mut self.plain);
            } else {
                self.plain.extend_from_slice(&held.as_bytes()[..take]);
            }
            self.visitor.part(&self.path, &self.plain, &mut self.new);
            self.write_part(escaped);
            held.drain(..take);
            self.long = true;
        }
        self.held = held;
        if last {
            self.new.clear();
            self.visitor.end(&self.path, &mut self.new);
            self.write_part(escaped);
        }
    }

    fn write_part(&mut self, escaped: bool) {
        if escaped {
            entity::encode(&self.new, &mut self.written);
        } else {
            self.written.extend_from_slice(&self.new);
        }
    }

    fn json(&mut self, chunk: &mut TextChunk<'_>) -> HandlerResult {
        let json = self.json.get_or_insert_with(|| Json::in_html(self.visitor.clone()));
        self.written.clear();
        json.push(chunk.as_str().as_bytes(), &mut self.written)?;
        if chunk.last_in_text_node() {
            json.finish(&mut self.written)?;
            self.json = None;
        }
        // Cut within a character only where the input was, and that is whole.
        let new = String::from_utf8_lossy(&self.written).into_owned();
        chunk.set_str(new);
        Ok(())
    }

    fn comment(&mut self, comment: &mut Comment<'_>) -> HandlerResult {
        let text = comment.text();
        self.new.clear();
        let root = Path::new();
        if self.is_whole {
            self.visitor.node(Node::Comment);
        }
        if self.visitor.field(&root, text.as_bytes(), Shape::Text, &mut self.new) {
            comment.set_text(&String::from_utf8_lossy(&self.new).replace("--", "- -"))?;
        }
        Ok(())
    }

    /// Looks at a start tag; says what its end will mean, where it means something.
    fn element(&mut self, element: &mut Element<'_, '_>) -> Option<Ends> {
        let tag = element.tag_name();
        if tag == "script" {
            self.script = script(element.get_attribute("type").as_deref().unwrap_or_default());
        }
        let ends = self.names.began(&tag, element);
        let mut changed = Vec::new();
        for (nth, attribute) in element.attributes().iter().enumerate() {
            let name = attribute.name();
            let raw = attribute.value();
            if self.is_whole || is_odd(&name) {
                self.new.clear();
                if self.is_whole {
                    self.visitor.node(Node::Name);
                }
                if self.visitor.field(&Path::new(), name.as_bytes(), Shape::Text, &mut self.new) {
                    changed.push((name, None));
                    continue;
                }
            }
            if !self.is_whole && (raw.len() < 2 || STRUCTURE.contains(&name.as_str())) {
                continue;
            }
            self.plain.clear();
            self.new.clear();
            entity::decode(raw.as_bytes(), &mut self.plain);
            let field = match name.as_str() {
                "value" => self.names.of_value(&tag, element),
                "content" if tag == "meta" => element.get_attribute("name").unwrap_or_default(),
                other => other.strip_prefix("data-").unwrap_or_default().to_owned(),
            };
            let shape = if name.starts_with("on") { Shape::Script } else { Shape::Text };
            if self.is_whole {
                self.visitor.node(Node::Attribute(&name));
            }
            let named = self.path.push(field.as_bytes());
            if self.visitor.field(&self.path, &self.plain, shape, &mut self.new) {
                self.written.clear();
                entity::encode(&self.new, &mut self.written);
                // Of two attributes with one name the first counts.
                let first = element.attributes()[..nth].iter().find(|earlier| earlier.name() == name);
                let value = match first {
                    None => String::from_utf8_lossy(&self.written).into_owned(),
                    Some(first) if changed.iter().any(|(done, _)| *done == first.name()) => continue,
                    Some(first) => first.value(),
                };
                changed.push((name, Some(value)));
            }
            if named {
                self.path.pop();
            }
        }
        for (name, value) in changed {
            let twice = element.attributes().iter().filter(|attribute| attribute.name() == name).nth(1).is_some();
            if twice || value.is_none() {
                element.remove_attribute(&name);
            }
            // A name that was read can be written.
            let _ = value.map(|value| element.set_attribute(&name, &value));
        }
        ends
    }
}
