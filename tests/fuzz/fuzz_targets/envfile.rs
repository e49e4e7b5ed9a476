//! Any file that a branch brings along is read without a panic, and our block in it loses none of its lines.
#![no_main]

use git_agentenv::model::envfile;
use indexmap::IndexMap;
use libfuzzer_sys::fuzz_target;

const ID: &str = "0123456789abcdef01234567";

fuzz_target!(|existing: &[u8]| {
    envfile::parse(existing);
    envfile::block(existing);
    let vars = IndexMap::from([("PORT".to_owned(), "8012".to_owned())]);
    let merged = envfile::merge(existing, ID, &vars).expect("the variables are valid");
    assert_eq!(envfile::merge(&merged, ID, &vars).expect("again"), merged, "a second merge changes nothing");
    let block = envfile::block(&merged).expect("our block is found again");
    assert_eq!((block.lease_id.as_str(), &block.vars), (ID, &vars));
    let last = envfile::parse(&merged).into_iter().rfind(|(name, _)| name == "PORT");
    assert_eq!(last.map(|(_, value)| value).as_deref(), Some("8012"), "the last word on it is ours");
    let rest = envfile::remove(&merged).unwrap_or_default();
    let before = envfile::remove(existing).unwrap_or_default();
    assert_eq!(rest.trim_ascii(), before.trim_ascii(), "the user's lines stay");
});
