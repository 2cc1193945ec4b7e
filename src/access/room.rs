//! Room on the stack for Cedar.

/// What Cedar asks for is 100 KiB, at every step of an expression.
const LEAST: usize = 256 << 10;
const ROOM: usize = 2 << 20;

/// Runs `f` on a stack that has room.
///
/// Of a program's first thread musl tells only what has been touched, some 128 KiB. Cedar takes that for all there is: it evaluates nothing,
/// and finds nothing wrong with any policy.
pub(super) fn with_room<T>(f: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(LEAST, ROOM, f)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn there_is_room_where_the_stack_is_small() {
        let small = thread::Builder::new().stack_size(128 << 10);
        let room = small.spawn(|| [stacker::remaining_stack(), with_room(stacker::remaining_stack)]).expect("a thread");
        let [before, within] = room.join().expect("no overflow").map(|room| room.expect("known here"));
        assert!(before < LEAST && within >= LEAST, "{before} {within}");
    }
}
