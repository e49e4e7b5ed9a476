use super::*;

const KEEP: &str = "compose: { file: docker/compose.yml, keep: [db] }";

/// The file as it is made over, from `docker/compose.yml`.
fn stack(text: &str) -> Stack {
    made(text, KEEP, &servers(), &[])
}

#[test]
fn a_server_keeps_its_data_in_a_volume_of_the_environments_own() {
    for source in ["../../pgdata", "/srv/pg", "~/pg", "${DATA:-./pg}", "outer", "device"] {
        let text = format!(
            "services: {{ db: {{ image: 'postgres:16', volumes: ['{source}:/var/lib/postgresql/data:z'] }} }}
volumes: {{ outer: {{ external: true }}, device: {{ driver_opts: {{ type: none, o: bind, device: /srv/dd }} }} }}"
        );
        let stack = stack(&text);
        assert_eq!(
            *at(&stack, "db/volumes"),
            yaml("['agentenv_db_var_lib_postgresql_data:/var/lib/postgresql/data']"),
            "{source}"
        );
        assert!(
            stack.file["volumes"].get("agentenv_db_var_lib_postgresql_data").is_some(),
            "{source}"
        );
        let note = format!(
            "service `db` has a volume of the environment's own at /var/lib/postgresql/data instead of `{source}`, \
             which environments would share"
        );
        assert!(stack.notes.contains(&note), "{:?}", stack.notes);
    }
}

#[test]
fn data_directories_are_known_by_the_path_in_the_container() {
    let text = "
services:
  mysql: { image: 'mysql:8', volumes: [{ type: bind, source: /srv/m, target: /var/lib/mysql }] }
  own: { build: ., volumes: ['../../mongo:/data/db/'] }
  store: { image: 'valkey/valkey', volumes: ['/srv/r:/data', '/srv/conf:/etc/valkey:ro'] }
";
    let stack = made(text, KEEP, &[], &[]);
    let own = "[{ type: volume, source: agentenv_mysql_var_lib_mysql, target: /var/lib/mysql }]";
    assert_eq!(*at(&stack, "mysql/volumes"), yaml(own));
    assert_eq!(*at(&stack, "own/volumes"), yaml("['agentenv_own_data_db:/data/db/']"));
    let own = "['agentenv_store_data:/data', '/srv/conf:/etc/valkey:ro']";
    assert_eq!(*at(&stack, "store/volumes"), yaml(own));
}

#[test]
fn what_environments_share_is_named_and_stays() {
    let text = "
services:
  web:
    image: hc
    volumes:
    - ../src:/src
    - ../../media:/media
    - /srv/x:/x
    - ~/.aws:/aws:ro
    - named:/data
    - nfs:/nfs
    - ${PWD}/y:/y
    - { type: bind, source: /srv/z, target: /z, read_only: true }
  worker: { image: hc, volumes: ['/srv/x:/x'] }
volumes: { named: , nfs: { driver_opts: { type: nfs, device: ':/n' } } }
";
    let stack = made(text, KEEP, &[], &[]);
    let expected = yaml(text)["services"].clone();
    assert_eq!(stack.file["services"], expected);
    assert_eq!(
        stack.notes,
        [
            "service `web` mounts `../../media`: all environments share it",
            "service `web` mounts `/srv/x`: all environments share it",
            "service `web` mounts `nfs`: all environments share it",
            "service `worker` mounts `/srv/x`: all environments share it",
        ]
    );
}

#[test]
fn a_router_sends_requests_to_its_own_environment() {
    let text = "
services:
  list: { image: 'traefik:3', command: [--providers.docker, --log], volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro'] }
  word: { image: 'docker.io/library/traefik', command: --providers.docker=true, volumes: [{ type: bind, source: /run/docker.sock, target: /x }] }
  own: { image: traefik, command: ['--providers.docker', '--providers.docker.constraints=Label(`a`,`b`)'], volumes: ['/var/run/docker.sock:/x'] }
  sole: { image: traefik, command: ['--providers.docker', '--providers.docker.constraints=Label(`com.docker.compose.project`,`x`)'], volumes: ['/var/run/docker.sock:/x'] }
  text: { image: traefik, command: '--providers.docker --providers.docker.constraints=Label(`a`,`b`)', volumes: ['/var/run/docker.sock:/x'] }
  other: { image: portainer, volumes: ['/var/run/docker.sock:/x:ro'] }
";
    let stack = made(text, KEEP, &[], &[]);
    let option = "--providers.docker.constraints=Label(`com.docker.compose.project`,`hc-red`)";
    let list = format!("[--providers.docker, --log, '{option}']");
    assert_eq!(*at(&stack, "list/command"), yaml(&list));
    assert_eq!(*at(&stack, "word/command"), format!("--providers.docker=true '{option}'"));
    let list = format!("[--providers.docker, '{option} && (Label(`a`,`b`))']");
    assert_eq!(*at(&stack, "own/command"), yaml(&list));
    let sole = at(&stack, "sole/command").as_sequence().unwrap();
    assert!(sole.len() == 2 && sole[1].as_str().unwrap().ends_with("project`,`x`)"));
    let note = |name| {
        format!(
            "service `{name}` mounts the socket of Docker: it sees the containers of all environments"
        )
    };
    let told: Vec<_> = stack.notes.iter().filter(|note| note.contains("socket")).collect();
    assert_eq!(told, [&note("text"), &note("other")]);
}
