//! Tasks that `devcontainer.json` calls once.

use super::*;

#[test]
fn tasks_are_called_so_that_the_environment_counts_more_or_stay_a_comment() {
    let own = "DATABASE_URL := \"postgres://localhost/inn\"";
    for (file, head, run) in [
        ("Makefile", "include .env\nexport", "make -e setup"),
        ("Makefile", &format!("export {own}"), "make -e setup"),
        ("Makefile", &format!("override {own}"), ""),
        ("justfile", &format!("export {own}"), ""),
        ("justfile", "set dotenv-load\nset dotenv-override", ""),
        ("justfile", "set dotenv-load", "just setup"),
    ] {
        let call = if file == "Makefile" { "make setup" } else { "just setup" };
        let created = format!("{{\"postCreateCommand\": \"{call}\"}}");
        let tasks = format!("{head}\nsetup:\n\tpython manage.py loaddata x\n");
        let files =
            [(".devcontainer/devcontainer.json", created.as_str()), (file, &tasks), (".env", "")];
        let project = detect(&seen(&files));
        let (hooks, inside) =
            if run.is_empty() { (vec![], vec![call]) } else { (vec![run], vec![]) };
        assert_eq!(
            (project.hooks, project.inside),
            (owned(&hooks), owned(&inside)),
            "{file}: {head}"
        );
    }
}

#[test]
fn all_that_make_runs_for_a_task_counts() {
    for more in [
        "# later\n\tpsql -h prod\n",
        "ifndef CI\n\tpsql -h prod\nendif\n",
        "lint setup: seed\nseed:\n\tpsql -h prod\n",
    ] {
        let makefile = format!("setup:\n\tpython manage.py loaddata x\n{more}");
        let created =
            (".devcontainer/devcontainer.json", "{\"postCreateCommand\": \"make setup\"}");
        let project = detect(&seen(&[created, ("Makefile", &makefile)]));
        assert_eq!((project.hooks, project.inside), (Vec::new(), owned(&["make setup"])), "{more}");
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}
