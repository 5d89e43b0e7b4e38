//! The exit codes scripts rely on, and the map from HTTP statuses and node error codes to them.
//! Not the error texts (see `error`).
//! Invariant: the numbers never change; proved by `exit_codes_are_the_documented_ones`.

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok,
    /// Failed: bad input found by the node, not found, a broken file, a fault of the node.
    Failed,
    /// The command line itself is wrong.
    Usage,
    /// Done with gaps: some rows were rejected.
    Gaps,
    /// Not allowed.
    NotAllowed,
    /// Conflict or unmet precondition.
    Conflict,
    /// The node is unreachable or its folder is locked.
    Unreachable,
}

impl Exit {
    /// Every way to end, by its code.
    pub const ALL: [Exit; 7] =
        [Exit::Ok, Exit::Failed, Exit::Usage, Exit::Gaps, Exit::NotAllowed, Exit::Conflict, Exit::Unreachable];

    /// When a command ends so, one sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Ok => "Done.",
            Exit::Failed => "Failed: bad input found by the node, not found, a broken file, a fault of the node.",
            Exit::Usage => "The command line itself is wrong.",
            Exit::Gaps => "Done with gaps: some rows were rejected, some nodes not reached.",
            Exit::NotAllowed => "Not allowed.",
            Exit::Conflict => "Conflict, or a precondition is not met.",
            Exit::Unreachable => "The node is unreachable, or its folder is locked by another process.",
        }
    }

    /// The process's exit code, 0 to 6.
    pub fn code(self) -> u8 {
        match self {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Gaps => 3,
            Exit::NotAllowed => 4,
            Exit::Conflict => 5,
            Exit::Unreachable => 6,
        }
    }

    /// The exit of a problem answer: its HTTP status and problem code.
    pub fn of_problem(status: u16, code: &str) -> Exit {
        match (status, code) {
            (401 | 403, _) => Exit::NotAllowed,
            (409, "not_serving") => Exit::Unreachable,
            (409 | 412, _) | (422, "idempotency_key_reused") => Exit::Conflict,
            _ => Exit::Failed,
        }
    }

    /// The exit of an error of a node opened in this process.
    pub fn of_node_code(code: &str) -> Exit {
        match code {
            "locked" | "inviter_unreachable" => Exit::Unreachable,
            "not_initialised" | "already_initialised" | "not_admitted" => Exit::Conflict,
            _ => Exit::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_the_documented_ones() {
        assert_eq!(Exit::ALL.map(Exit::code), [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn problem_statuses_map_to_exits() {
        for (status, code, exit) in [
            (400, "bad_request", Exit::Failed),
            (401, "unauthorized", Exit::NotAllowed),
            (403, "forbidden", Exit::NotAllowed),
            (404, "not_found", Exit::Failed),
            (409, "conflict", Exit::Conflict),
            (409, "sync_paused", Exit::Conflict),
            (409, "not_serving", Exit::Unreachable),
            (412, "precondition_failed", Exit::Conflict),
            (422, "idempotency_key_reused", Exit::Conflict),
            (422, "bad_quantity", Exit::Failed),
            (500, "internal", Exit::Failed),
        ] {
            assert_eq!(Exit::of_problem(status, code), exit, "{status} {code}");
        }
    }

    #[test]
    fn locked_folder_is_unreachable() {
        assert_eq!(Exit::of_node_code("locked"), Exit::Unreachable);
        assert_eq!(Exit::of_node_code("not_initialised"), Exit::Conflict);
        assert_eq!(Exit::of_node_code("already_initialised"), Exit::Conflict);
        assert_eq!(Exit::of_node_code("io"), Exit::Failed);
        assert_eq!(Exit::of_node_code("inviter_unreachable"), Exit::Unreachable);
        assert_eq!(Exit::of_node_code("not_admitted"), Exit::Conflict);
        for code in ["ticket_expired", "ticket_used", "wrong_org", "bad_ticket", "sync_port_taken"] {
            assert_eq!(Exit::of_node_code(code), Exit::Failed, "{code}");
        }
    }
}
