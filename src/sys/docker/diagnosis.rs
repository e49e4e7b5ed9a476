//! Why a docker command failed, with a hint.

use crate::error;
use crate::sys::exec::{self, Output};

/// It says that no container has this name.
pub fn says_missing(output: &Output) -> bool {
    !output.success() && output.stderr.to_lowercase().contains("no such container")
}

/// Why a docker command failed, with the way out.
///
/// Whether the command began is told by the engine's refusal to begin it; a text never decides what exists.
pub fn diagnose(output: &Output, container: &str) -> anyhow::Error {
    let said = output.stderr.to_lowercase();
    let has = |text: &str| said.contains(text);
    if has("no such container") {
        return missing(container);
    }
    let (message, hint) = if has("permission denied while trying to connect") {
        let hint = "join the group docker: `sudo usermod -aG docker \"$USER\"`, then log in again";
        ("no permission to use the Docker socket".to_owned(), hint.to_owned())
    } else if has("cannot connect to the docker daemon") || has("error during connect") {
        (
            "the Docker engine is not running".to_owned(),
            "start Docker, then run this command again".to_owned(),
        )
    } else if has("is paused") {
        let hint = format!("docker unpause {container}");
        (format!("container `{container}` is paused"), hint)
    } else if has("is restarting") {
        let hint = format!("see why: `docker logs {container}`");
        (format!("container `{container}` keeps restarting"), hint)
    } else if has("is not running") {
        let hint = format!("docker start {container}");
        (format!("container `{container}` is not running"), hint)
    } else {
        return failed(output, container);
    };
    error::service(message).hint(hint).never_ran()
}

/// A command that may have begun.
fn failed(output: &Output, container: &str) -> anyhow::Error {
    match output.code {
        137 => {
            let message = format!("container `{container}` stopped during the command");
            error::service(message).hint(format!("docker start {container}")).into()
        }
        126 | 127 => {
            let said = exec::complaint("docker exec", output);
            error::service(format!("container `{container}`: {said}"))
                .hint("check the container that `.agentenv.yaml` names")
                .never_ran()
        }
        _ => error::service(exec::complaint("docker", output)).into(),
    }
}

pub(super) fn missing(container: &str) -> anyhow::Error {
    // A place in a compose project is called `project/service`.
    let own = match container.split_once('/') {
        Some((project, service)) => {
            format!("docker compose -p {project} up -d {service}` where its compose file is")
        }
        None => "docker compose up -d`".to_owned(),
    };
    error::service(format!("no container `{container}`"))
        .hint(format!(
            "start it (`git agentenv infra up`, or your own `{own}), or name another container in `.agentenv.yaml`"
        ))
        .never_ran()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Exit, exit_of, hint_of};

    #[test]
    fn each_text_has_its_way_out() {
        let cases = [
            ("Error: No such container: pg", "infra up"),
            ("Error response from daemon: No such container: pg", "infra up"),
            ("Error response from daemon: Container 78ee is not running", "docker start pg"),
            (
                "Error response from daemon: Container pg is paused, unpause the container first",
                "docker unpause pg",
            ),
            (
                "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?",
                "start Docker",
            ),
            (
                "permission denied while trying to connect to the Docker daemon socket at unix:///x",
                "usermod",
            ),
        ];
        for (said, way_out) in cases {
            let output = Output { code: 1, stdout: Vec::new(), stderr: said.to_owned() };
            let error = diagnose(&output, "pg");
            assert_eq!(exit_of(&error), Exit::Service, "{said}");
            assert!(hint_of(&error).unwrap().contains(way_out), "{said}: {error}");
        }
    }

    #[test]
    fn a_missing_program_is_told_on_stdout() {
        let stdout =
            b"OCI runtime exec failed: exec: \"psql\": executable file not found in $PATH".to_vec();
        let error = diagnose(&Output { code: 126, stdout, stderr: String::new() }, "pg");
        assert!(error.to_string().contains("executable file not found"));
    }
}
