//! Room `server`.

pub mod settings;

pub use settings::Settings;
