//! Room `gateway`.

pub mod settings;
pub mod upstream;

pub use settings::Settings;
