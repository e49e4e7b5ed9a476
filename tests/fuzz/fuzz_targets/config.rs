//! Any configuration is accepted or refused with an error that names the file; nothing panics or hangs.
#![no_main]

use git_agentenv::model::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(error) = Config::parse(".agentenv.yaml", text) {
        assert!(error.to_string().contains(".agentenv.yaml"), "{error:#}");
    }
});
