//! Text in any script.

use super::*;

#[test]
fn text_in_any_script_is_read() {
    let files = [
        (
            "locales/ja.json",
            "\"a\": \"postgres://localhost/inn\", \"database\": \"inn\", \"host\": \"x\"",
        ),
        (
            "shop/settings.py",
            "URL = os.environ.get('URL', 'redis://h/2')  # \"KEY\": 'redis://h/3'",
        ),
        ("shop/config.py", "CACHES = { 'DATABASE': 1, \"LOCATION\": \"redis://h/1\" }"),
        (
            ".env.example",
            "URL=https://localhost:3000/a?b\nREDIS_URL=redis://me:pw@localhost:6379/1",
        ),
        (
            "compose.yml",
            "services: { db: { image: 'postgres:16', ports: ['5432:5432'] }, web: { build: . } }",
        ),
        ("src/app.config.ts", "const url = `${process.env.REDIS_URL}/1` || 'Host=h;Database=inn'"),
        (
            "package.json",
            "{ \"dependencies\": { \"vite\": \"1\" }, \"scripts\": { \"dev\": \"vite\" } }",
        ),
        ("Procfile", "web: serve --port 3000"),
        ("config/database.yml", "development:\n  adapter: postgresql\n  database: inn\n"),
    ];
    let longest = files.iter().map(|(_, text)| text.len()).max().unwrap();
    for (mark, at) in
        ['：', '𝒳', 'İ'].into_iter().flat_map(|c| (0..=longest).map(move |at| (c, at)))
    {
        let changed = files.map(|(path, text)| {
            let (before, after) = text.split_at(at.min(text.len()));
            (path, format!("{before}{mark}{after}"))
        });
        let changed: Vec<(&str, &str)> =
            changed.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let seen = seen(&changed);
        let config = Config::parse("t", &render(&detect(&seen), None, true)).unwrap();
        to_main(&seen, &config);
    }
}
