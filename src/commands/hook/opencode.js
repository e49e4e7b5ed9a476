// Turns a worktree into an environment, and gives its variables to every command that opencode runs there.
export const GitAgentenv = async ({ $, directory }) => {
  const agentenv = (args, cwd) => $`git agentenv ${args}`.cwd(cwd).quiet().nothrow()
  await agentenv(["hook", "setup"], directory)
  return {
    "shell.env": async (input, output) => {
      const said = await agentenv(["env", "--format", "json", "--quiet"], input.cwd ?? directory)
      if (said.exitCode === 0) Object.assign(output.env, JSON.parse(said.stdout.toString()))
    },
  }
}
