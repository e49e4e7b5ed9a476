//! The compose file of the shared servers.

use super::Approval;
use crate::environment::context::Context;
use crate::environment::hooks;
use crate::error;
use crate::model::compose;
use crate::model::config::Config;
use crate::sys::compose::Definition;
use crate::sys::fs;
use anyhow::Result;
use std::path::Path;

/// The file that the configuration names, with all that it includes, as it was when it was read: what is approved is what
/// compose gets, whatever the files hold by then.
pub struct ServersFile {
    /// What compose gets.
    pub definition: Definition,
    /// What `trust` approves.
    pub approval: Approval,
}

impl ServersFile {
    /// Of the main checkout; `None`: the configuration names none.
    ///
    /// # Errors
    /// When a file is missing or wrong.
    pub fn read(main: &Path, config: &Config) -> Result<Option<Self>> {
        let Some(file) = &config.infra.file else { return Ok(None) };
        let mut whole = compose::load_alone(file, &|path| text(&main.join(path)))
            .map_err(|cause| error::config(format!("{cause:#}")))?;
        let approval = Approval::of(main, file, &whole)?;
        let dir = main.join(file).parent().unwrap_or(main).to_owned();
        let name = whole.shift_remove("name");
        let project = name.as_ref().and_then(|name| name.as_str()).map(str::to_owned);
        let definition = Definition { dir, project, text: compose::text(&whole) };
        Ok(Some(ServersFile { definition, approval }))
    }

    /// Refuses unless it was approved as it is: it may run anything.
    pub fn require_trusted(&self, context: &Context) -> Result<()> {
        let what = "the shared servers of this repository are";
        let hint = "read the file, then approve it: `git agentenv trust`";
        let commands = self.approval.commands();
        hooks::require(&context.store, &context.repo.common, commands, (what, hint))
    }
}

/// The user approves what it holds, and may keep it outside of the checkout.
fn text(path: &Path) -> Option<String> {
    String::from_utf8(fs::read(&fs::canonical(path)).ok()??).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_of_compose_gets_the_same_text_without_the_name() {
        let dir = tempfile::tempdir().unwrap();
        let yaml = "ports: {}\ninfra: { file: servers.yml }\n";
        let config = Config::parse(".agentenv.yaml", yaml).unwrap();
        let read = |text: &str| {
            fs::replace(&dir.path().join("servers.yml"), text.as_bytes()).unwrap();
            ServersFile::read(dir.path(), &config).unwrap().unwrap().definition
        };
        let named = read("name: shop\nservices: { db: { ports: ['22:22'], tty: 'no' } }\n");
        assert_eq!(named.project.as_deref(), Some("shop"));
        // YAML 1.1, which version 1 reads, takes both values for something else without quotes.
        assert!(
            named.text.contains("\"22:22\"") && named.text.contains("\"no\""),
            "{}",
            named.text
        );
        assert!(!named.text.contains("shop"), "{}", named.text);
        assert_eq!(read("services: {}\n").project, None);
    }

    #[test]
    fn what_a_file_includes_is_approved_wherever_it_lies() {
        let dir = tempfile::tempdir().unwrap();
        let main = dir.path().join("main");
        fs::make_dir(&main.join("ops")).unwrap();
        let write = |path: &str, text: &str| fs::replace(&dir.path().join(path), text.as_bytes());
        let yaml = "ports: {}\ninfra: { file: ops/servers.yml }\n";
        let config = Config::parse(".agentenv.yaml", yaml).unwrap();
        let read = || {
            let file = ServersFile::read(&main, &config).unwrap().unwrap();
            (file.approval.commands()[0].clone(), file.definition.text)
        };
        write("main/ops/servers.yml", "include: [../../main/db.yml, ../../out.yml]\n").unwrap();
        write("out.yml", "services: { cache: { image: redis } }\n").unwrap();
        write("main/db.yml", "services: { db: { image: a, volumes: ['./x:/x'] } }\n").unwrap();
        let (approved, text) = read();
        let db = text.contains("image: a") && text.contains("../../main/x:/x");
        assert!(db && text.contains("image: redis") && !text.contains("include"), "{text}");
        write("main/db.yml", "services: { db: { image: b } }\n").unwrap();
        assert_ne!(read().0, approved);
        // One that is a link.
        fs::remove(&main.join("ops/servers.yml")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("out.yml"), main.join("ops/servers.yml"))
            .unwrap();
        assert!(read().1.contains("redis"));
    }
}
