//! `git agentenv mcp`: our commands as tools of a Model Context Protocol server on stdin and stdout.
//!
//! Each call runs this program with `--json`: a tool answers what the command answers, and keeps its promises. A call that
//! the client cancels ends as with Ctrl-C, and one whose server dies as with SIGTERM.

mod tools;

use crate::error::{self, Exit};
use crate::sys::exec::{Cmd, Output};
use crate::sys::{env, interrupt};
use anyhow::{Context, Result};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    Implementation, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
    Tool,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler, ServiceExt};
use rustix::process::Signal;
use serde_json::Value;
use std::path::PathBuf;

/// The arguments of `mcp`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {}

const EXAMPLES: &str = "\
Examples:
  claude mcp add agentenv -- git agentenv mcp
  codex mcp add agentenv -- git agentenv mcp
  gemini mcp add agentenv git agentenv mcp";

const INSTRUCTIONS: &str = "\
Each git worktree of this repository can be an environment with its own ports, database and Redis index. `add` creates \
one, `status` describes one, `remove` deletes one and refuses to lose work. Run programs in it with the shell command \
`git agentenv run <env> -- <command>`. A failed call tells what helps; use `force` only if the user said so.";

/// The server. It holds nothing: all state is that of the commands.
struct Server {
    program: PathBuf,
}

/// Serves until the client closes stdin, or a signal comes. It ends on a signal because commands do not start any more then.
pub fn run(_: &Args) -> Result<Exit> {
    let program = env::program()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        tokio::select! {
            served = serve(program) => served,
            _ = tokio::task::spawn_blocking(interrupt::wait) => interrupt::check(),
        }
    });
    runtime.shutdown_background();
    ended.map(|()| Exit::Done)
}

async fn serve(program: PathBuf) -> Result<()> {
    let service = Server { program }.serve(rmcp::transport::stdio()).await;
    let service = service.map_err(|error| {
        error::usage(format!("no Model Context Protocol client on stdin: {error}"))
            .hint("let an agent start it: `claude mcp add agentenv -- git agentenv mcp`")
    })?;
    service.waiting().await.context("the server ended")?;
    Ok(())
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("git-agentenv", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::all()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::all().into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let given = request.arguments.unwrap_or_default();
        let invalid = |error: anyhow::Error| ErrorData::invalid_params(error.to_string(), None);
        let words = tools::command_line(&request.name, &given).map_err(invalid)?;
        let mut command = Cmd::new(&self.program).args(words).patience(None);
        if let Some(directory) = tools::directory(&given).map_err(invalid)? {
            command = command.dir(directory);
        }
        let call = move || {
            command
                .ended_with_this(Signal::TERM)?
                .start()?
                .wait_unless(|| context.ct.is_cancelled())
        };
        let ran = tokio::task::spawn_blocking(call).await;
        let ran = ran.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        Ok(ran.map_or_else(|error| failed(format!("{error:#}")), |output| result(&output)).into())
    }
}

/// The command's document; its warnings are a text of their own.
fn result(output: &Output) -> CallToolResult {
    let answer = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let mut content = vec![ContentBlock::text(answer.clone())];
    if !output.stderr.is_empty() {
        content.push(ContentBlock::text(output.stderr.clone()));
    }
    let mut result = match output.code {
        0 => CallToolResult::success(content),
        _ => CallToolResult::error(content),
    };
    result.structured_content = serde_json::from_str(&answer).ok().filter(Value::is_object);
    result
}

fn failed(message: String) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(message)])
}
