//! When it happens anyway: what only somebody in between sees becomes a signal, a signal a case, and a case has clocks, notices and an end.
//!
//! As the registry's, the state is a fold over events, and every event is a record of the journal.
