//! Compose files that are made of several, and services that start on demand.

use super::*;

#[test]
fn compose_files_are_read_as_compose_reads_them() {
    let db = "services: { db: { image: 'postgres:16', environment: { POSTGRES_DB: shop }, ports: ['5544:5432'] } }";
    let project = |root: &str| {
        let code = ("shop/settings.py", "NAME = os.environ['DB_NAME']");
        let files = [("compose.yml", root), ("docker/servers-compose.yml", db), code];
        let config = config(&files);
        let found = config.services.iter().map(|(key, service)| {
            format!("{key}={}:{} {}", service.main, service.port, service.place.title())
        });
        let ports = config.ports.iter().map(|(name, port)| format!("{name}={}", port.main));
        found.chain(ports).collect::<Vec<_>>().join(" ")
    };
    let own = "postgres=shop:5544 shop/db";
    // The image's own, where nothing names another.
    let usual = "postgres=postgres:5544 shop/db";
    for (root, expected) in [
        (
            "include: [docker/servers-compose.yml]\nservices: { web: { build: ., ports: ['9100:80'] } }",
            format!("{own} WEB_PORT=9100"),
        ),
        (
            "services: { web: { build: . }, db: { extends: { file: docker/servers-compose.yml, service: db } } }",
            format!("{own} PORT=3000"),
        ),
        // One of the files is not there: what stands in the others counts.
        (
            "include: [other.yml]\nservices: { web: { build: ., ports: ['9100:80'] }, db: { image: 'postgres:16', ports: ['5544:5432'] } }",
            format!("{usual} WEB_PORT=9100"),
        ),
        (
            "services: { old: { image: 'postgres:12', profiles: [old], ports: ['1:5432'] }, db: { image: 'postgres:16', ports: ['5544:5432'] } }",
            format!("{usual} PORT=3000"),
        ),
    ] {
        assert_eq!(project(root), expected, "{root}");
    }
}
