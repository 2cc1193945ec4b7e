//! Streaming readers over bytes: what a body holds, field by field, and the same bytes again with some values replaced.
//!
//! A reader takes a body in pieces of any size and asks its [`Visitor`] about each value. What the visitor leaves alone goes out byte for
//! byte; what it replaces is encoded as the format wants it. The output never depends on how the input was cut. Memory is bounded: a
//! value of up to [`HELD`] bytes is shown as a whole, a longer one in parts; what can't be read safely is [`Malformed`], and nothing of
//! it goes out.
//!
//! - [`json`] (also a value a line), [`csv`], [`form`], [`multipart`], [`xml`], [`html`], [`text`]; [`events`] and [`message`] for what comes bit by bit.
//! - [`coding`] undoes and redoes content codings, [`charset`] character encodings; [`websocket`] reads frames; [`media`] names types.
//! - [`records`] parts a body into what is told of one and another.
//! - [`path`] says where in a body a value stands, [`parameters`] what a header's value says besides.
//! - [`pdf`] is written only: a text on paper, in one [`font`].

pub mod charset;
pub mod coding;
pub mod csv;
mod entity;
pub mod events;
pub mod font;
pub mod form;
pub mod html;
pub mod json;
pub mod media;
pub mod message;
pub mod multipart;
pub mod parameters;
pub mod path;
pub mod pdf;
pub mod records;
pub mod text;
mod visitor;
pub mod websocket;
pub mod xml;

pub use self::{
    media::Media,
    path::Path,
    visitor::{HELD, Malformed, Node, Shape, Visitor},
};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
