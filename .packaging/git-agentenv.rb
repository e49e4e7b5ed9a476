# Homebrew formula. The checksum is that of the source archive which GitHub makes of the tag.
class GitAgentenv < Formula
  desc "Give each git branch its own worktree, ports, database and Redis"
  homepage "https://github.com/git-agentenv/git-agentenv"
  url "https://github.com/git-agentenv/git-agentenv/archive/refs/tags/v0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license any_of: ["MIT", "Apache-2.0"]
  head "https://github.com/git-agentenv/git-agentenv.git", branch: "main"

  depends_on "rust" => :build

  def install
    system "cargo", "install", *std_cargo_args
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/git-agentenv.bash" => "git-agentenv"
    zsh_completion.install "completions/_git-agentenv"
    (share/"fish/vendor_conf.d").install "completions/git-agentenv.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/git-agentenv --version")
    system "git", "init", "app"
    cd "app" do
      system "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--allow-empty", "-m", "first"
      system bin/"git-agentenv", "add", "feature-x"
      assert_path_exists testpath/"app-feature-x/.env.worktree"
    end
  end
end
