//! The Model Context Protocol server, asked by the protocol's own Python client.

use crate::common::{Repo, Sandbox, wait_until};
use crate::stories::article::venv;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

/// Calls each tool of a list, and prints what the server is and what the calls answered.
const CLIENT: &str = r#"
import asyncio, json, sys
from mcp import ClientSession, StdioServerParameters, stdio_client

async def main():
    server = StdioServerParameters(command="git", args=["agentenv", "mcp"], env=dict(__import__("os").environ))
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        hello = await session.initialize()
        tools = (await session.list_tools()).tools
        answers = []
        for name, arguments in json.loads(sys.argv[1]):
            try:
                said = await session.call_tool(name, arguments)
                answers.append(said.model_dump(by_alias=True, mode="json"))
            except Exception as error:
                answers.append({"protocolError": str(error)})
        print(json.dumps({
            "server": hello.model_dump(by_alias=True, mode="json"),
            "tools": [tool.model_dump(by_alias=True, mode="json") for tool in tools],
            "answers": answers,
        }))

asyncio.run(main())
"#;

fn ask(repo: &Repo, calls: &Value) -> Value {
    let mut python = repo.sandbox.command(venv().join("bin/python"));
    python.args(["-c", CLIENT, &calls.to_string()]).current_dir(&repo.path);
    repo.sandbox.outcome(&mut python).ok().json()
}

#[test]
fn the_tools_of_the_server_do_what_the_commands_do() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    // What a call starts reads none of the client's requests.
    let more = "hooks: { post_add: [\"timeout 5 cat\"] }\nprocesses: { web: \"echo served; exec sleep 600\" }\n";
    repo.config(&(sandbox.config() + more));
    repo.agentenv(&["trust", "--yes"]).ok();
    let said = ask(
        &repo,
        &json!([
            ["add", { "branches": ["one"] }],
            ["list", {}],
            ["status", { "env": "one" }],
            ["add", { "branches": ["two"] }],
            ["up", { "envs": ["two"] }],
            ["logs", { "env": "two", "lines": 5 }],
            ["down", { "envs": ["two"] }],
            ["db_reset", { "env": "two" }],
            ["remove", { "envs": ["two"], "keep": true }],
            ["restore", { "env": "two" }],
            ["ps", { "all": true }],
            ["env", { "env": "one" }],
            ["move", { "env": "one", "path": "../moved" }],
            ["rename", { "env": "one", "new": "three" }],
            ["prune", { "dry_run": true }],
        ]),
    );
    assert_eq!(said["server"]["serverInfo"]["name"], "git-agentenv");
    for answer in said["answers"].as_array().unwrap() {
        assert_eq!(answer["isError"], false, "{answer}");
        assert_eq!(answer["structuredContent"]["version"], 1, "{answer}");
    }
    let rows = said["answers"][1]["structuredContent"]["environments"].as_array().unwrap().clone();
    assert!(rows.len() == 1 && rows[0]["name"] == "one", "{rows:?}");
    let logs = &said["answers"][5]["structuredContent"];
    assert_eq!(logs["logs"][0]["process"], "web", "{logs}");

    let tool = |name: &str| {
        let tools = said["tools"].as_array().unwrap();
        tools.iter().find(|tool| tool["name"] == name).unwrap().clone()
    };
    assert_eq!(tool("list")["annotations"]["readOnlyHint"], true);
    for name in ["remove", "doctor"] {
        assert_eq!(tool(name)["annotations"]["destructiveHint"], true, "{name}");
    }
    assert!(tool("remove")["description"].as_str().unwrap().contains("Refuses"));
}

#[test]
fn a_refusal_is_an_answer_with_its_hint() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("app");
    repo.config(&sandbox.config_without_servers());
    repo.agentenv(&["add", "work"]).ok();
    fs::write(sandbox.root.join("app-work/work"), "hours").unwrap();
    let said = ask(
        &repo,
        &json!([
            ["remove", { "envs": ["work"] }],
            ["status", {}],
            ["status", { "directory": sandbox.root.join("app-work") }],
            ["add", { "exec": "touch /tmp/x" }],
            ["status", { "directory": "/nonexistent" }],
            ["nope", {}],
        ]),
    );
    let answers = &said["answers"];
    let error = |at: usize| {
        assert_eq!(answers[at]["isError"], true, "{}", answers[at]);
        answers[at]["structuredContent"]["error"].clone()
    };
    assert_eq!(error(0)["code"], "refused");
    assert!(error(0)["hint"].as_str().unwrap().contains("--force"), "{}", error(0));
    assert_eq!(error(1)["code"], "not_found", "no environment is around the main checkout");
    assert_eq!(answers[2]["structuredContent"]["name"], "work");
    assert!(answers[3]["protocolError"].as_str().unwrap().contains("no argument `exec`"));
    assert_eq!(answers[4]["isError"], true);
    assert!(answers[5].get("protocolError").is_some(), "{}", answers[5]);
    assert!(sandbox.root.join("app-work/work").exists());
}

#[test]
fn without_a_client_it_says_how_to_start_it() {
    let sandbox = Sandbox::new();
    let said = sandbox.agentenv_in(&sandbox.root, &["mcp"]).fails(2);
    assert!(said.stderr.contains("claude mcp add"), "{}", said.stderr);
}

/// A server that has greeted its client, and its stdin and stdout.
fn greeted(repo: &Repo) -> (Child, ChildStdin, BufReader<ChildStdout>) {
    let mut command = repo.sandbox.command(env!("CARGO_BIN_EXE_git-agentenv"));
    command.arg("mcp").current_dir(&repo.path).stdin(Stdio::piped());
    let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (mut to, mut from) =
        (server.stdin.take().unwrap(), BufReader::new(server.stdout.take().unwrap()));
    let client = json!({
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    send(&mut to, &json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client }));
    from.read_line(&mut String::new()).unwrap();
    send(&mut to, &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    (server, to, from)
}

fn send(to: &mut ChildStdin, document: &Value) {
    writeln!(to, "{document}").unwrap();
}

fn call(to: &mut ChildStdin, id: u32, tool: &str, arguments: &Value) {
    let call = json!({ "name": tool, "arguments": arguments });
    send(to, &json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": call }));
}

/// A project whose hook writes its process id and stays.
fn slow(sandbox: &Sandbox) -> (Repo<'_>, PathBuf) {
    let repo = sandbox.repo("app");
    let ran = sandbox.root.join("ran");
    let hook = format!("hooks: {{ post_add: [\"echo $$ >{}; exec sleep 300\"] }}\n", ran.display());
    repo.config(&(sandbox.config_without_servers() + &hook));
    repo.agentenv(&["trust", "--yes"]).ok();
    (repo, ran)
}

fn is_alive(pid_file: &Path) -> bool {
    let pid = fs::read_to_string(pid_file).unwrap();
    Path::new("/proc").join(pid.trim()).exists()
}

#[test]
fn a_signal_ends_the_server_and_what_a_call_does() {
    let sandbox = Sandbox::new();
    let (repo, ran) = slow(&sandbox);
    for (signal, branch) in [("TERM", None), ("INT", Some("x"))] {
        let (mut server, mut to, _from) = greeted(&repo);
        if let Some(branch) = branch {
            call(&mut to, 2, "add", &json!({ "branches": [branch] }));
            wait_until("the hook runs", || ran.exists());
        }
        let mut kill = sandbox.command("kill");
        sandbox.outcome(kill.args([format!("-{signal}"), server.id().to_string()])).ok();
        assert_eq!(server.wait().unwrap().code(), Some(130), "{signal}");
    }
    let state = repo.agentenv(&["list", "--json"]).ok().json();
    assert_eq!(state["environments"][0]["hooks_pending"], true, "{state}");
    repo.agentenv(&["remove", "x", "--no-hooks"]).ok();
}

#[test]
fn a_call_that_the_client_cancels_ends_and_the_server_serves_on() {
    let sandbox = Sandbox::new();
    let (repo, ran) = slow(&sandbox);
    let (mut server, mut to, mut from) = greeted(&repo);
    call(&mut to, 2, "add", &json!({ "branches": ["x"] }));
    wait_until("the hook runs", || fs::read_to_string(&ran).is_ok_and(|pid| pid.ends_with('\n')));
    let params = json!({ "requestId": 2, "reason": "no" });
    let cancelled =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
    send(&mut to, &cancelled);
    wait_until("the hook has ended", || !is_alive(&ran));
    wait_until("the command has ended", || {
        let rows = repo.agentenv(&["list", "--json"]).ok().json();
        rows["environments"][0]["hooks_pending"] == true
    });
    call(&mut to, 3, "list", &json!({}));
    let mut line = String::new();
    while !line.contains("\"id\":3") {
        line.clear();
        assert!(from.read_line(&mut line).unwrap() > 0);
    }
    assert!(line.contains("hooks_pending"), "{line}");
    drop(to);
    assert!(server.wait().unwrap().success());
    repo.agentenv(&["remove", "x", "--no-hooks"]).ok();
}

#[test]
fn a_call_ends_with_its_server() {
    let sandbox = Sandbox::new();
    let (repo, ran) = slow(&sandbox);
    let (mut server, mut to, _from) = greeted(&repo);
    call(&mut to, 2, "add", &json!({ "branches": ["x"] }));
    wait_until("the hook runs", || fs::read_to_string(&ran).is_ok_and(|pid| pid.ends_with('\n')));
    server.kill().unwrap();
    server.wait().unwrap();
    wait_until("the hook has ended", || !is_alive(&ran));
    repo.agentenv(&["remove", "x", "--no-hooks"]).ok();
}
