//! Room `upstream`.

pub mod settings;

pub use settings::Settings;
