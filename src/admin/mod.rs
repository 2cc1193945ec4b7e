//! Room `admin`.

pub mod settings;

pub use settings::Settings;
