//! Ports that scripts and code say.

use super::*;

#[test]
fn a_port_that_no_variable_reaches_is_told() {
    let phoenix = ("mix.exs", "{:phoenix, \"~> 1.7\"}");
    let settings =
        ("config/dev.exs", "# http: [port: 1]\nconfig :a, Endpoint,\n  http: [port: 4001],\n");
    let script =
        r#"{ "scripts": { "dev": "PORT=3100 next dev" }, "dependencies": { "next": "15" } }"#;
    for (files, main, note) in [
        (&[phoenix, settings][..], 4001, "config/dev.exs:3: the server listens on port 4001 in"),
        (&[("package.json", script)], 3100, "package.json: `dev` listens on port 3100 in"),
    ] {
        let project = detect(&seen(files));
        assert_eq!(project.ports[0].main, main);
        assert!(
            project.notes.len() == 1 && project.notes[0].starts_with(note),
            "{:?}",
            project.notes
        );
    }
}

#[test]
fn a_port_that_a_script_fixes_in_silence_is_told() {
    for option in ["--port 4100", "--port=4100"] {
        let script = format!("concurrently \\\"tsc -w\\\" \\\"vite {option}\\\"");
        let package = format!(
            r#"{{ "scripts": {{ "dev": "{script}" }}, "devDependencies": {{ "vite": "7" }} }}"#
        );
        let project = detect(&seen(&[("package.json", &package)]));
        assert_eq!(project.ports[0].main, 4100, "{option}");
        assert_eq!(
            project.notes,
            [
                "package.json: `dev` listens on port 4100 in every environment: make it read a variable, VITE_PORT"
            ]
        );
    }
}

#[test]
fn a_port_that_code_gives_to_a_program_is_the_main_checkouts() {
    let ports = |files: &[(&str, &str)]| {
        let project = detect(&seen(files));
        let each = project.ports.iter().map(|port| format!("{}={}", port.variable, port.main));
        (each.collect::<Vec<_>>().join(" "), project.notes)
    };
    let cargo = ("Cargo.toml", "[package]\nname = 'inn'\n");
    let code = "let port = env::var(\"PORT\").unwrap_or_else(|_| \"8000\".to_string());\n";
    assert_eq!(ports(&[cargo, ("src/config.rs", code)]), ("PORT=8000".to_owned(), vec![]));
    let fixed = "fn main() {\n    TcpListener::bind(\"127.0.0.1:8081\");\n}\n";
    let (found, notes) = ports(&[cargo, ("src/main.rs", fixed)]);
    assert_eq!(found, "PORT=8081");
    assert_eq!(
        notes,
        [
            "src/main.rs:2: the server listens on port 8081 in every environment: make it read a variable, PORT"
        ]
    );
    let settings = "class Settings(BaseSettings):\n    API_PORT: int = 9000\n    SMTP_PORT: int = 2525\n    DB_PORT: int = 9001\n";
    let requirements = ("requirements.txt", "fastapi\nuvicorn\n");
    // Other programs' ports.
    let used = "LLM = os.environ.get('OLLAMA_API_PORT', '11434')\n";
    assert_eq!(ports(&[requirements, ("inn/settings.py", used)]).0, "PORT=8000");
    let named = "WEB = os.environ.get('SHOP_API_PORT', '9100')\n";
    assert_eq!(ports(&[requirements, ("inn/settings.py", named)]).0, "SHOP_API_PORT=9100");
    let nuxt = r#"{ "scripts": { "dev": "nuxt" }, "dependencies": { "nuxt": "3" } }"#;
    let (found, _) =
        ports(&[requirements, ("inn/settings.py", settings), ("web/package.json", nuxt)]);
    assert_eq!(found, "API_PORT=9000 PORT=3000");
    let web = ("main.py", "app = FastAPI()\n");
    let project = detect(&seen(&[requirements, web, ("settings.py", settings)]));
    assert!(project.processes[0].1.ends_with("uvicorn main:app --port $API_PORT"), "{project:?}");
}
