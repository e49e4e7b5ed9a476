//! Named points at which the tests make this program fail. Without debug assertions they are nothing.

use anyhow::Result;

/// A point that `AGENTENV_FAULT=<name>:<kill|error|hang>` can hit, in debug builds only.
///
/// # Errors
/// When the tests ask for one here.
pub fn point(name: &str) -> Result<()> {
    if cfg!(debug_assertions) {
        strike(name)?;
    }
    Ok(())
}

fn strike(name: &str) -> Result<()> {
    let Some(fault) = super::env::var("AGENTENV_FAULT") else {
        return Ok(());
    };
    match fault.split_once(':') {
        Some((at, "kill")) if at == name => {
            let me = rustix::process::getpid();
            rustix::process::kill_process(me, rustix::process::Signal::KILL)?;
        }
        Some((at, "error")) if at == name => anyhow::bail!("fault injected at {name}"),
        Some((at, "hang")) if at == name => loop {
            std::thread::park();
        },
        _ => {}
    }
    Ok(())
}
