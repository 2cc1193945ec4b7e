//! Room `dial`.

pub mod settings;

pub use settings::Settings;
