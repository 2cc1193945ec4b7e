//! The terminal: another screen while it is drawn on, keys one by one, and everything as it was at the end.

use std::{
    io::{self, Read as _, Write as _, stdin, stdout},
    thread,
    time::Duration,
};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{draw, frame::Frame};
use crate::common::colour;

/// The other screen, without a cursor; and back.
const OPEN: &str = "\x1b[?1049h\x1b[?25l";
const CLOSE: &str = "\x1b[?25h\x1b[?1049l";

/// A terminal that is drawn on. Dropping it gives it back.
pub(super) struct Screen {
    before: Termios,
    colours: bool,
}

/// Whether a key ends it: q, Control-C (which comes as a character here), or the end of a transmission.
pub(super) fn is_end(key: u8) -> bool {
    matches!(key, b'q' | b'Q' | 0x03 | 0x04)
}

impl Screen {
    /// Takes the terminal; keys come out of the other, which ends with it.
    ///
    /// # Errors
    /// When it can't be used.
    pub(super) fn begin() -> io::Result<(Self, UnboundedReceiver<u8>)> {
        let before = tcgetattr(stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(stdin(), OptionalActions::Flush, &quiet)?;
        let screen = Self { before, colours: colour::on(&stdout()) };
        stdout().write_all(OPEN.as_bytes())?;
        let (tell, keys) = unbounded_channel();
        // Ends with the process, or with the terminal: nothing wakes a read.
        thread::Builder::new().name("keys".to_owned()).spawn(move || {
            let mut key = [0];
            while matches!(stdin().read(&mut key), Ok(1)) && tell.send(key[0]).is_ok() {}
        })?;
        Ok((screen, keys))
    }

    /// Draws a frame in the place of what was there.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(super) fn draw(&mut self, frame: &Frame, every: Duration) -> io::Result<()> {
        let size = tcgetwinsize(stdout()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
        let (width, height) = size.map_or((80, 24), |size| (usize::from(size.ws_col), usize::from(size.ws_row)));
        // A cursor behind the last column waits there, and what is cleared then is that column.
        let width = width.saturating_sub(1);
        let head = format!("privet {}   {}   every {} s   q ends", frame.version, frame.at, every.as_secs_f32());
        let mut lines = vec![draw::cut(&head, width)];
        lines.extend(draw::lines(frame, width, self.colours));
        lines.truncate(height);
        let text = lines.join("\x1b[K\r\n");
        let mut out = stdout().lock();
        write!(out, "\x1b[H{text}\x1b[K\x1b[J")?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let mut out = stdout();
        let _ = out.write_all(CLOSE.as_bytes()).and_then(|()| out.flush());
        let _ = tcsetattr(stdin(), OptionalActions::Flush, &self.before);
    }
}
