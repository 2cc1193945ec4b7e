//! From settings to a plan: files found and read in their order, with what the settings say of them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    fields::Bounds,
    operator::{Likeness, Operator},
    parse::{self, targets},
    pattern::Pattern,
    plan::{self, Plan},
    rule::{
        Actions, Assignment, Change, Control, Directive, Document, Effect, Macro, Meant, Part, Phase, Severity, Test,
        Written,
    },
    settings::{Exclusion, Patch, Settings},
    source::{Fault, Place, Source},
    transaction::{Limits, Transaction},
    transform::Transform,
    variable::{Choice, Target, Variable},
};

/// Rules that come first: bodies that can't be read.
const FIRST: &str = include_str!("rules/first.conf");
/// The rules where no folder is named.
const OWN: &str = include_str!("rules/own.conf");
/// Where Debian's package keeps the set-up, apart from its rules.
const DEBIAN: (&str, &str) = ("/usr/share/modsecurity-crs", "/etc/modsecurity/crs/crs-setup.conf");
/// The number of the first rule that is made from settings. Nobody has reserved 33,000,000 and up.
const FROM_SETTINGS: u32 = 33_001_000;
/// The tag of patches.
const PATCH: &str = "privet/patch";

/// Rules that are ready to be asked, and how much they look at.
#[derive(Debug, Clone)]
pub struct Ruleset {
    settings: Settings,
    plan: Arc<Plan>,
}

/// Whether they are the same reading: files may have changed in between.
impl PartialEq for Ruleset {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.plan, &other.plan)
    }
}

impl Eq for Ruleset {}

impl Ruleset {
    /// Reads and compiles what the settings name.
    ///
    /// # Errors
    /// At the first file or rule that can't be read.
    pub fn load(settings: Settings) -> Result<Self, Fault> {
        let plan = Arc::new(load(&settings)?);
        Ok(Self { settings, plan })
    }

    /// What they were made of.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The rules.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// A request that nothing is known of.
    #[must_use]
    pub fn begin(&self) -> Transaction {
        let Settings { body, answer, arguments, depth, time, .. } = self.settings;
        Transaction::new(&self.plan, Limits { body, answer, bounds: Bounds { arguments, depth }, time })
    }

    /// Whether a rule is a patch, which refuses whatever a route's mode is.
    #[must_use]
    pub fn is_patch(&self, rule: u32) -> bool {
        self.plan.rules.get(rule as usize).is_some_and(|rule| rule.tags.iter().any(|tag| tag == PATCH))
    }

    /// The files that they are read from, whose change makes them out of date.
    #[must_use]
    pub fn files(settings: &Settings) -> Vec<PathBuf> {
        let folder = settings.rules.as_deref();
        let rules = folder.and_then(|folder| files(folder).ok()).unwrap_or_default();
        let set_up = folder.and_then(|folder| setup(settings, folder));
        let around = settings.before.iter().chain(&settings.after).cloned();
        folder.map(Path::to_owned).into_iter().chain(set_up).chain(rules).chain(around).collect()
    }
}

/// Reads and compiles what the settings name.
///
/// # Errors
/// At the first file or rule that can't be read.
pub fn load(settings: &Settings) -> Result<Plan, Fault> {
    let mut document = Document::default();
    let own = |name: &str, text: &str| Source { name: name.into(), folder: None, text: text.to_owned() };
    parse::read(&own("privet/first.conf", FIRST), &mut document)?;
    for file in &settings.before {
        parse::read(&open(file)?, &mut document)?;
    }
    let mut generated = Generated::default();
    // Patches come first: they refuse whatever the rules make of a request.
    for patch in &settings.patches {
        document.directives.extend(generated.patch(patch)?);
    }
    let folder = settings.rules.as_deref();
    if let Some(setup) = folder.and_then(|folder| setup(settings, folder)) {
        parse::read(&open(&setup)?, &mut document)?;
    }
    document.directives.push(generated.levels(settings));
    document.directives.extend(generated.exclusions(&settings.exclusions)?);
    if let Some(folder) = folder {
        for file in files(folder)? {
            parse::read(&open(&file)?, &mut document)?;
        }
    } else {
        parse::read(&own("privet/own.conf", OWN), &mut document)?;
    }
    for file in &settings.after {
        parse::read(&open(file)?, &mut document)?;
    }
    plan::compile(document)
}

fn fault(file: &Path, what: impl Into<String>) -> Fault {
    Fault::new(&Place { file: file.display().to_string().into(), line: 0 }, what)
}

fn open(path: &Path) -> Result<Source, Fault> {
    let bytes = std::fs::read(path).map_err(|error| fault(path, error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| fault(path, "is not UTF-8"))?;
    let folder = path.parent().map(Arc::from);
    Ok(Source { name: path.display().to_string().into(), folder, text })
}

/// The set-up: as named, or beside the rules.
fn setup(settings: &Settings, folder: &Path) -> Option<PathBuf> {
    if settings.setup.is_some() {
        return settings.setup.clone();
    }
    let beside = ["crs-setup.conf", "../crs-setup.conf", "crs-setup.conf.example", "../crs-setup.conf.example"];
    let debian = (folder.starts_with(DEBIAN.0)).then(|| PathBuf::from(DEBIAN.1));
    beside.into_iter().map(|name| folder.join(name)).chain(debian).find(|path| path.is_file())
}

/// The rule files of a folder, or of its `rules`, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let inner = folder.join("rules");
    let folder = if inner.is_dir() { &inner } else { folder };
    let entries = std::fs::read_dir(folder).map_err(|error| fault(folder, error.to_string()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"))
        .filter(|path| path.file_name().is_some_and(|name| name != "crs-setup.conf"))
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(fault(folder, "no rules: name a folder with .conf files, such as a checkout of the Core Rule Set"));
    }
    Ok(files)
}

/// Rules that are made from settings.
#[derive(Default)]
struct Generated {
    count: u32,
}

impl Generated {
    fn written(&mut self, name: &str, phase: Phase) -> Written {
        self.count += 1;
        let actions = Actions {
            id: Some(FROM_SETTINGS + self.count),
            phase: Some(phase),
            effect: Some(Effect::Pass),
            bare: true,
            log: Some(false),
            ..Actions::default()
        };
        Written { place: Place { file: name.into(), line: 0 }, test: None, actions }
    }

    /// What the settings say of levels and thresholds, in the names of the Core Rule Set 4 and 3.
    fn levels(&mut self, settings: &Settings) -> Directive {
        let mut written = self.written("shield", Phase::RequestHeaders);
        let detection = settings.detection_paranoia.max(settings.paranoia);
        written.actions.assignments = [
            ("blocking_paranoia_level", u32::from(settings.paranoia)),
            ("paranoia_level", u32::from(settings.paranoia)),
            ("detection_paranoia_level", u32::from(detection)),
            ("executing_paranoia_level", u32::from(detection)),
            ("inbound_anomaly_score_threshold", settings.inbound_threshold),
            ("outbound_anomaly_score_threshold", settings.outbound_threshold),
            ("early_blocking", u32::from(settings.early_blocking)),
            ("blocking_early", u32::from(settings.early_blocking)),
            ("crs_skip_response_analysis", u32::from(!settings.responses)),
        ]
        .into_iter()
        .map(|(name, value)| Assignment {
            collection: Variable::Tx,
            name: text(name),
            change: Change::Set(text(&value.to_string())),
        })
        .collect();
        Directive::Rule(Box::new(written))
    }

    fn exclusions(&mut self, exclusions: &[Exclusion]) -> Result<Vec<Directive>, Fault> {
        let mut directives = Vec::new();
        for exclusion in exclusions {
            let place = Place { file: "shield.exclude".into(), line: 0 };
            let choice = exclusion.target.as_deref().map(|target| choice(&place, target)).transpose()?;
            let by_tag = exclusion.tag.clone().map(Meant::Tag);
            let by_id = (!exclusion.ids.is_empty()).then(|| Meant::Ids(exclusion.ids.clone()));
            let mut written = self.written("shield.exclude", Phase::RequestHeaders);
            for meant in by_tag.into_iter().chain(by_id) {
                written.actions.controls.push(match &choice {
                    Some(choice) => Control::RemoveTarget(meant, choice.clone()),
                    None => Control::Remove(meant),
                });
            }
            written.test = exclusion.path.as_deref().map(below);
            directives.push(Directive::Rule(Box::new(written)));
        }
        Ok(directives)
    }

    fn patch(&mut self, patch: &Patch) -> Result<Vec<Directive>, Fault> {
        let mut head = self.written("shield.patch", Phase::RequestBody);
        head.actions.effect = Some(if patch.refuse { Effect::Deny } else { Effect::Pass });
        head.actions.log = Some(true);
        head.actions.severity = Some(Severity::Critical);
        head.actions.message = Some(text(&patch.name));
        head.actions.tags = vec![PATCH.to_owned(), "attack-patch".to_owned()];
        head.actions.chain = true;
        // An application may make no difference between cases.
        head.actions.transforms = vec![Transform::Lowercase];
        head.test = Some(below(&patch.path.to_ascii_lowercase()));
        let place = head.place.clone();
        let link = |test: Test, chain: bool| {
            let actions = Actions { chain, ..Actions::default() };
            Directive::Rule(Box::new(Written { place: place.clone(), test: Some(test), actions }))
        };
        let mut links = Vec::new();
        if !patch.methods.is_empty() {
            let methods = Operator::Like(Likeness::Within, text(&patch.methods.join(" ")));
            links.push(link(
                Test { targets: vec![whole(Variable::RequestMethod)], operator: methods, negated: false },
                true,
            ));
        }
        let (pattern, need) =
            Pattern::read(&patch.pattern).map_err(|why| Fault::new(&place, format!("the pattern: {why}")))?;
        let operator = Operator::Matches(Arc::new(pattern), need);
        links.push(link(Test { targets: targets(&place, &patch.target)?, operator, negated: patch.unless }, false));
        Ok(std::iter::once(Directive::Rule(Box::new(head))).chain(links).collect())
    }
}

fn text(text: &str) -> Macro {
    Macro(vec![Part::Text(text.as_bytes().to_vec())])
}

fn whole(variable: Variable) -> Target {
    Target { choice: Choice { variable, selector: None }, count: false, excluded: false }
}

/// For requests below a path, as the application gets it: however else a client may write it.
fn below(path: &str) -> Test {
    let operator = Operator::Like(Likeness::Begins, text(path));
    Test { targets: vec![whole(Variable::PathInfo)], operator, negated: false }
}

fn choice(place: &Place, target: &str) -> Result<Choice, Fault> {
    let mut all = targets(place, target)?;
    match (all.pop(), all.is_empty()) {
        (Some(target), true) if !target.count && !target.excluded => Ok(target.choice),
        _ => Err(Fault::new(place, format!("`{target}` is not one variable, such as `ARGS:comment`"))),
    }
}
