//! Room `demo`.
