# nix build 'github:git-agentenv/git-agentenv?dir=.packaging', or, in a checkout, nix build './.packaging'
{
  description = "Give each git branch its own worktree, ports, database and Redis";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      forEach = nixpkgs.lib.genAttrs systems;
      source = ./..;
      cargo = builtins.fromTOML (builtins.readFile (source + "/Cargo.toml"));
    in
    {
      packages = forEach (system:
        let pkgs = nixpkgs.legacyPackages.${system}; in
        {
          default = pkgs.rustPlatform.buildRustPackage {
            pname = cargo.package.name;
            version = cargo.package.version;
            src = source;
            cargoLock.lockFile = source + "/Cargo.lock";
            nativeBuildInputs = [ pkgs.installShellFiles ];
            nativeCheckInputs = [ pkgs.git ];
            cargoTestFlags = [ "--lib" ];
            postInstall = ''
              installManPage man/*.1
              installShellCompletion --bash --name git-agentenv completions/git-agentenv.bash
              installShellCompletion --zsh completions/_git-agentenv
              install -Dm644 completions/git-agentenv.fish -t $out/share/fish/vendor_conf.d
            '';
            meta = {
              description = cargo.package.description;
              homepage = cargo.package.repository;
              license = with pkgs.lib.licenses; [ mit asl20 ];
              mainProgram = "git-agentenv";
            };
          };
        });

      devShells = forEach (system:
        let pkgs = nixpkgs.legacyPackages.${system}; in
        {
          default = pkgs.mkShell {
            packages = with pkgs; [ cargo clippy rustfmt rustc git jq zsh fish tmux mandoc shellcheck ];
          };
        });
    };
}
