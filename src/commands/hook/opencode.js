// Turns a worktree into an environment, and gives its variables to every command that opencode runs there.
import { execFile } from "node:child_process"

const agentenv = (cwd, ...args) =>
  new Promise((done) => {
    execFile("git", ["agentenv", ...args], { cwd }, (error, said) => done(error ? "{}" : said))
  })
const variables = async (cwd) => JSON.parse(await agentenv(cwd, "env", "--format", "json", "--quiet"))

export default {
  id: "git-agentenv",
  // opencode 1
  server: async ({ directory }) => {
    await agentenv(directory, "hook", "setup")
    return {
      "shell.env": async (input, output) => {
        Object.assign(output.env, await variables(input.cwd ?? directory))
      },
    }
  },
  // opencode 2
  setup: async (context) => {
    const { directory } = context.location
    await agentenv(directory, "hook", "setup")
    await context.shell.hook("create.before", async (event) => {
      Object.assign(event.env, await variables(event.cwd ?? directory))
    })
  },
}
