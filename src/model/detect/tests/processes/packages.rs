//! Shapes of `package.json` files × what `up` starts.

use super::{Case, VITE};

pub(super) const CASES: &[Case] = &[
    ("Vite alone", &[("package.json", VITE)], &["web: npm run dev -- --port $VITE_PORT"]),
    (
        "Next.js",
        &[
            (
                "package.json",
                r#"{ "scripts": { "start": "next start", "dev": "next dev" }, "dependencies": { "next": "15" } }"#,
            ),
            ("yarn.lock", ""),
        ],
        &["web: PORT=$PORT yarn run dev"],
    ),
    (
        "a server without a known framework",
        &[("package.json", r#"{ "scripts": { "start": "node ." } }"#), (".env", "API_PORT=4000\n")],
        &["web: PORT=$API_PORT npm run start"],
    ),
    (
        "packages without a server, and scripts that run the others",
        &[
            ("package.json", r#"{ "scripts": { "dev": "turbo dev" } }"#),
            (
                "apps/mobile/package.json",
                r#"{ "scripts": { "start": "expo start" }, "dependencies": { "expo": "54" } }"#,
            ),
            (
                "apps/site/package.json",
                r#"{ "scripts": { "dev": "wrapped site next dev" }, "dependencies": { "next": "15" } }"#,
            ),
            ("packages/db/package.json", r#"{ "scripts": { "dev": "prisma migrate dev" } }"#),
            ("apps/jobs/package.json", r#"{ "scripts": { "dev": "tsx watch jobs.ts" } }"#),
        ],
        &["web: cd apps/site && PORT=$PORT npm run dev", "jobs: cd apps/jobs && npm run dev"],
    ),
    (
        "Laravel's Vite",
        &[("composer.json", "{}"), ("package.json", VITE)],
        &["web: npm run dev -- --port $VITE_PORT"],
    ),
    (
        "a script that builds and a package that is started by another one",
        &[
            (
                "package.json",
                r#"{ "scripts": { "dev": "npm run texts && turbo run dev --filter=@inn/site" }, "devDependencies": { "vite": "7" } }"#,
            ),
            (
                "apps/site/package.json",
                r#"{ "name": "@inn/site", "scripts": { "dev": "npm run with:env -- react-router dev", "with:env": "dotenv -e ../../.env --" }, "devDependencies": { "vite": "7" } }"#,
            ),
            (
                "apps/site/vite.config.ts",
                "export default { server: {\n  port: parseInt(process.env.SITE_PORT || '4100', 10) } }",
            ),
            (
                "apps/api/package.json",
                r#"{ "name": "api", "scripts": { "dev": "next dev -p 3003" }, "dependencies": { "next": "15" } }"#,
            ),
            (
                "packages/db/package.json",
                r#"{ "scripts": { "dev": "vite build --watch" }, "devDependencies": { "vite": "7" } }"#,
            ),
        ],
        &["web: npm run dev"],
    ),
    (
        "ports that scripts and settings name",
        &[
            (
                "apps/site/package.json",
                r#"{ "scripts": { "dev": "next dev -p 3100 --turbo" }, "dependencies": { "next": "15" } }"#,
            ),
            (
                "apps/admin/package.json",
                r#"{ "scripts": { "dev": "tsc && vite --host" }, "dependencies": { "vite": "7" } }"#,
            ),
            ("apps/admin/vite.config.ts", "export default { server: { port: 3200 } }"),
            ("pnpm-lock.yaml", ""),
        ],
        &[
            "web: cd apps/site && pnpm run dev -p $PORT",
            "admin: cd apps/admin && pnpm run dev --port $VITE_PORT",
        ],
    ),
    (
        "scripts at the top that start the packages, in a workspace of yarn",
        &[
            (
                "package.json",
                r#"{ "scripts": { "web:build": "yarn workspace web build", "web:dev": "dotenv -- yarn workspace @inn/web dev", "jobs:dev": "dotenv -- yarn workspace @inn/jobs dev", "all": "concurrently \"yarn web:dev\" \"yarn jobs:dev\"" } }"#,
            ),
            ("yarn.lock", ""),
            (
                "apps/web/package.json",
                r#"{ "name": "@inn/web", "scripts": { "dev": "next dev" }, "dependencies": { "next": "15" } }"#,
            ),
            (
                "apps/jobs/package.json",
                r#"{ "name": "@inn/jobs", "scripts": { "dev": "tsx watch index.ts" } }"#,
            ),
        ],
        &["web: PORT=$PORT yarn run web:dev", "jobs: yarn run jobs:dev"],
    ),
    (
        "a window of its own is no server, and the server in another language is named",
        &[
            (
                "desktop/package.json",
                r#"{ "scripts": { "start": "electron ." }, "dependencies": { "express": "5" } }"#,
            ),
            ("frontend/package.json", VITE),
            ("go.mod", "module inn"),
        ],
        &["web: cd frontend && npm run dev -- --port $VITE_PORT"],
    ),
    (
        "a server of the project's own, which a script starts beside others, and not as in production",
        &[
            ("Procfile", "web: yarn start --services=web\n"),
            (
                "package.json",
                r#"{ "scripts": { "start": "node b.js", "dev": "yarn concurrently -n a \"node --inspect b.js\"", "x": "vite" }, "dependencies": { "koa": "3", "vite": "7" } }"#,
            ),
            ("yarn.lock", ""),
        ],
        &["web: PORT=$PORT yarn run dev"],
    ),
    (
        "a watcher beside the server",
        &[(
            "package.json",
            r#"{ "scripts": { "dev": "concurrently -n a,b \"tsc -w\" \"vite --open\"" }, "devDependencies": { "vite": "7" } }"#,
        )],
        &["web: npm run dev"],
    ),
    (
        "several applications, of which one is called `web`",
        &[("apps/orbit/package.json", VITE), ("apps/web/package.json", VITE)],
        &[
            "web: cd apps/web && npm run dev -- --port $VITE_PORT",
            "orbit: cd apps/orbit && npm run dev -- --port $ORBIT_PORT",
        ],
    ),
    (
        "what a generator writes is none of the applications",
        &[
            ("internal/generator/templates/app/package.json", VITE),
            ("generators/site/package.json", VITE),
            ("go.mod", "module inn"),
        ],
        &[],
    ),
    (
        "a template that is all there is",
        &[("template/package.json", VITE)],
        &["web: cd template && npm run dev -- --port $VITE_PORT"],
    ),
];
