//! Mounts of what all environments would share: directories of this machine outside of the worktree, and volumes that are
//! not the project's own.

use super::syntax::{colons, environment, interpolated, scalar};
use super::{kind, networks, paths, routers};
use crate::model::config::Kind;
use serde_yaml::{Mapping, Value};

/// Where servers keep their data in a container, as the documentation of their images says.
const DATA: [&str; 5] = [
    "/data/db",
    "/var/lib/rabbitmq",
    "/var/lib/clickhouse",
    "/usr/share/elasticsearch/data",
    "/bitnami",
];

/// Gives servers volumes of the environment's own for their data: two servers on one directory destroy it. Names the rest
/// that can be written. `dir` is the directory of the file.
pub(super) fn separate(file: &mut Mapping, dir: &str, notes: &mut Vec<String>) {
    let shared = Shared { volumes: Volumes::of(file), dir };
    let mut own = Vec::new();
    let services = file.get_mut("services").and_then(Value::as_mapping_mut).into_iter().flatten();
    for (name, service) in services {
        if let (Some(name), Some(service)) = (name.as_str(), service.as_mapping_mut()) {
            own.extend(shared.replace(name, service, notes));
        }
    }
    if own.is_empty() {
        return;
    }
    let mut volumes = match file.shift_remove("volumes") {
        Some(Value::Mapping(volumes)) => volumes,
        _ => Mapping::new(),
    };
    volumes.extend(own.into_iter().map(|name| (name.into(), Value::Null)));
    file.insert("volumes".into(), volumes.into());
}

/// What environments share.
struct Shared<'a> {
    volumes: Volumes,
    dir: &'a str,
}

impl Shared<'_> {
    /// Replaces what a service keeps its data in; gives the volumes that it has instead.
    fn replace(&self, name: &str, service: &mut Mapping, notes: &mut Vec<String>) -> Vec<String> {
        let data = Data::of(service);
        let mut own = Vec::new();
        let mounts = service.get_mut("volumes").and_then(Value::as_sequence_mut);
        for entry in mounts.into_iter().flatten() {
            let is_said = |mount: &Mount| mount.read_only || routers::is_socket(&mount.source);
            let Some(mount) = Mount::of(entry).filter(|mount| !is_said(mount)) else { continue };
            let Mount { source, target, .. } = &mount;
            let is_shared = self.volumes.are_shared(source) || is_outside(self.dir, source);
            if data.is_in(target) && (is_shared || is_unknown(source)) {
                notes.push(format!(
                    "service `{name}` has a volume of the environment's own at {target} instead of `{source}`, which \
                     environments would share"
                ));
                let volume = own_volume(name, target);
                *entry = mount.of_volume(&volume, entry.is_mapping());
                own.push(volume);
            } else if is_shared {
                let note = match self.volumes.external.contains(source) {
                    true => format!("volume `{source}` is external: all environments share it"),
                    false => {
                        format!("service `{name}` mounts `{source}`: all environments share it")
                    }
                };
                if !notes.contains(&note) {
                    notes.push(note);
                }
            }
        }
        own
    }
}

/// The name of a volume that stays the same when the file changes elsewhere.
fn own_volume(service: &str, target: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let target: String = target.trim_end_matches('/').chars().map(plain).collect();
    format!("agentenv_{service}{target}")
}

/// Volumes of the file that are not the project's own.
struct Volumes {
    /// Those that the file does not make, of which there is a note already.
    external: Vec<String>,
    /// Names of a directory, a disk or a share.
    devices: Vec<String>,
}

impl Volumes {
    fn of(file: &Mapping) -> Self {
        let all = file.get("volumes").and_then(Value::as_mapping);
        let named = |is_one: &dyn Fn(&Value) -> bool| {
            let found = all.into_iter().flatten().filter(|(_, volume)| is_one(volume));
            found.map(|(name, _)| scalar(name)).collect()
        };
        let is_device = |volume: &Value| {
            let option = |key| Some(scalar(volume.get("driver_opts")?.get(key)?));
            let of_memory = option("type").is_some_and(|kind| kind == "tmpfs");
            !of_memory && option("device").is_some_and(|device| within_pwd(&device).is_none())
        };
        Volumes { external: named(&networks::is_external), devices: named(&is_device) }
    }

    fn are_shared(&self, name: &str) -> bool {
        self.external.iter().chain(&self.devices).any(|shared| shared == name)
    }
}

/// What of a service is data of a server.
struct Data {
    /// `/data` is Redis's.
    is_redis: bool,
    /// Where Postgres is told to keep it.
    pgdata: Option<String>,
}

impl Data {
    fn of(service: &Mapping) -> Self {
        let vars = environment(service.get("environment"));
        let pgdata = vars.into_iter().find(|(name, _)| name == "PGDATA").map(|(_, dir)| dir);
        Data { is_redis: kind::server(service) == Some(Kind::Redis), pgdata }
    }

    fn is_in(&self, target: &str) -> bool {
        let target = target.trim_end_matches('/');
        let is_below = |path: &str, dir: &str| {
            path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        // A single file of configuration is mounted there, too.
        let is_file = target.rsplit('/').next().is_some_and(|name| name.contains('.'));
        let is_known = kind::data().chain(DATA).any(|dir| is_below(target, dir)) && !is_file;
        let is_set = self.pgdata.as_deref().is_some_and(|dir| is_below(dir, target));
        is_known || is_set || (self.is_redis && target == "/data")
    }
}

/// A mount of a directory or a volume, in short or long form.
struct Mount {
    source: String,
    target: String,
    read_only: bool,
}

impl Mount {
    fn of(entry: &Value) -> Option<Self> {
        if let Some(text) = entry.as_str() {
            let parts = colons(text);
            let [source, target, options @ ..] = parts.as_slice() else { return None };
            let read_only = options.iter().any(|one| one.split(',').any(|one| one == "ro"));
            return Some(Mount {
                source: (*source).to_owned(),
                target: (*target).to_owned(),
                read_only,
            });
        }
        let text = |key| entry.get(key).map(scalar);
        let read_only = text("read_only").is_some_and(|flag| flag == "true");
        Some(Mount { source: text("source")?, target: text("target")?, read_only })
    }

    /// The same with a volume as its source.
    fn of_volume(&self, volume: &str, long: bool) -> Value {
        let Mount { target, .. } = self;
        if !long {
            return format!("{volume}:{target}").into();
        }
        let keys = [("type", "volume"), ("source", volume), ("target", target.as_str())];
        Value::Mapping(keys.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

/// Whether a path of this machine is not one of the worktree's. A variable counts as its default.
fn is_outside(dir: &str, source: &str) -> bool {
    if let Some(rest) = within_pwd(source) {
        return paths::join("", rest.trim_start_matches('/')).starts_with("..");
    }
    let path = interpolated(source).0;
    let is_relative = path.starts_with('.');
    path.starts_with(['/', '~'])
        || path.starts_with("$HOME")
        || (is_relative && paths::join(dir, &path).starts_with(".."))
}

/// Whether a variable decides what is mounted.
fn is_unknown(source: &str) -> bool {
    source.contains('$') && within_pwd(source).is_none()
}

/// A path below the directory where compose is called, which is the worktree.
fn within_pwd(path: &str) -> Option<&str> {
    ["${PWD}", "$PWD"].iter().find_map(|here| path.strip_prefix(here))
}
