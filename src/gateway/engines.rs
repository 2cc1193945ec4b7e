//! Privacy engines and masks, made of the settings of routes.

use std::sync::Arc;

use crate::{
    gateway::settings::Route,
    privacy::{self, Engine, Keys, Kinds, mask::Mask},
};

/// Engines by their settings: routes whose settings are alike share one.
pub(super) struct Engines<'a> {
    keys: &'a Arc<Keys>,
    made: Vec<(privacy::settings::Settings, Arc<Engine>)>,
}

impl<'a> Engines<'a> {
    /// None yet; tokens are made with these keys.
    pub(super) fn new(keys: &'a Arc<Keys>) -> Self {
        Self { keys, made: Vec::new() }
    }

    /// The engine of these settings.
    pub(super) fn of(&mut self, settings: &privacy::settings::Settings) -> Arc<Engine> {
        if let Some((_, engine)) = self.made.iter().find(|(known, _)| known == settings) {
            return Arc::clone(engine);
        }
        let engine = Arc::new(Engine::new(settings, Arc::clone(self.keys)));
        self.made.push((settings.clone(), Arc::clone(&engine)));
        engine
    }
}

/// The mask of a route; one that is recorded only sees everything and leaves it as it is.
pub(super) fn mask(route: &Route, engines: &mut Engines<'_>) -> Arc<Mask> {
    let settings = privacy::mask::engine_settings(&route.privacy);
    let rule = &route.mask;
    // Whatever changes what is shown changes the id.
    let text = format!("{rule:?} {settings:?} {:?} {}", engines.keys.fingerprint(), env!("CARGO_PKG_VERSION"));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let id = digest.as_ref().iter().take(6).fold(0_u64, |id, byte| id << 8 | u64::from(*byte));
    let paths = rule.as_ref().map(|rule| rule.paths.clone()).unwrap_or_default();
    let mask = Mask::new(engines.of(&settings), paths, format!("{id:012x}"));
    Arc::new(if rule.is_some() { mask } else { mask.revealing(Kinds::all()) })
}
