//! What the files of a project say.

use super::seen::Seen;
use super::vars::{self, Var};
use super::{appended, beside, compose, engine, frameworks, kept, literals, plain, roles};
use crate::model::config::Kind;

/// What the files say, each in its own terms.
pub(super) struct Evidence<'a> {
    pub(super) seen: &'a Seen,
    pub(super) stacks: Vec<compose::Stack>,
    pub(super) vars: Vec<Var>,
    /// Code that adds an index to one of them.
    pub(super) appended: Vec<appended::Appended>,
    pub(super) literals: Vec<literals::Literal>,
    /// The same in other languages.
    pub(super) places: Vec<plain::Place>,
    /// Such places that a variable replaces.
    pub(super) replaced: Vec<plain::Place>,
    pub(super) frameworks: Vec<frameworks::Framework>,
    /// The kind of database that the main checkout uses.
    pub(super) engine: Option<Kind>,
    /// Servers of the stack that no environment shares.
    pub(super) kept: Vec<kept::Kept>,
}

impl<'a> Evidence<'a> {
    pub(super) fn of(seen: &'a Seen) -> Self {
        let (stacks, frameworks) = (compose::stacks(seen), frameworks::of(seen));
        let literals = literals::of(seen);
        let mut vars = vars::of(seen, &stacks, &literals);
        beside::leave_out(&mut vars, seen);
        let appended = appended::of(seen, &vars);
        let engine = engine::of(seen, &vars, &stacks, &frameworks);
        let (places, replaced) = plain::used(seen, &frameworks, engine);
        Evidence {
            seen,
            stacks,
            vars,
            appended,
            literals,
            places,
            replaced,
            frameworks,
            engine,
            kept: Vec::new(),
        }
    }

    /// Code names a server of this kind itself.
    pub(super) fn is_literal(&self, kind: Kind) -> bool {
        (kind == Kind::Redis && !self.appended.is_empty())
            || self.literals.iter().any(|literal| literal.kind == kind)
            || self.places.iter().any(|place| place.kind == Some(kind))
    }

    /// A file names a variable for the engine.
    pub(super) fn names_engine(&self) -> bool {
        let is_it = |var: &Var| {
            var.is_named && matches!(self.role(&var.name), Some((_, roles::Role::Engine)))
        };
        self.vars.iter().any(is_it)
    }

    /// The kind of the databases whose variables do not say it.
    pub(super) fn sql(&self) -> Kind {
        self.engine.unwrap_or(Kind::Postgres)
    }

    /// What a variable is for, by its name.
    pub(super) fn role(&self, name: &str) -> Option<(Kind, roles::Role)> {
        roles::of(name, self.sql())
    }
}
