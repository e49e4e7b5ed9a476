//! Tools that migrate × the key of a template.

use super::*;

#[test]
fn the_key_of_a_template_is_offered_for_each_tool_that_migrates() {
    let projects = [
        ("manage.py", "django", "requirements.txt", "Django\npsycopg\n", "**/migrations/*.py"),
        (
            "alembic.ini",
            "script_location = db",
            "requirements.txt",
            "sqlalchemy\npsycopg\n",
            "**/versions/*.py",
        ),
        ("Gemfile", "gem 'rails'\ngem 'pg'\n", "Rakefile", "", "**/db/migrate/*.rb"),
        (
            "prisma/schema.prisma",
            "datasource db { provider = \"postgresql\" }",
            "package.json",
            r#"{"dependencies": {"prisma": "1", "next": "1"}}"#,
            "**/migrations/*/migration.sql",
        ),
        (
            "flyway.conf",
            "flyway.locations=sql",
            "compose.yml",
            "services: { db: { image: \"postgres:16\", ports: [\"5432:5432\"] } }",
            "**/V*__*.sql",
        ),
    ];
    for (file, text, other, content, pattern) in projects {
        let files = [(file, text), (other, content)].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert!(is_telling(file), "{file}");
        let project = detect(&Seen { files: files.into(), ..Seen::default() });
        assert_eq!(project.key, [pattern], "{file}");
        let offered = format!("    # from: main, template: {{ key: [\"{pattern}\"] }}\n");
        let text = render(&project, None, false);
        assert!(text.contains(&offered), "{file}: {text}");
        let offer = offered.trim().trim_start_matches("# ");
        let active = text.replace("{ kind: postgres,", &format!("{{ kind: postgres, {offer},"));
        let config = Config::parse(".agentenv.yaml", &active).unwrap();
        assert!(config.services.values().any(|service| service.template.is_some()), "{active}");
    }
}
