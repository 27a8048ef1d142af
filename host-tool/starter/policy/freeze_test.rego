package policy.freeze_test

import data.policy.freeze

on(date, weekday) := {
	"counts": {"changed": 1},
	"head": {"time": {"date": date, "weekday": weekday}},
	"approvals": [],
}

test_denies_a_change_on_a_frozen_day if {
	some msg in freeze.deny with input as on("2026-12-24", "thursday")
	contains(msg, "2026-12-24")
}

test_denies_a_change_on_a_frozen_weekday if {
	count(freeze.deny) == 1 with input as on("2026-11-28", "saturday") with data.policy.freeze.weekdays as {"saturday"}
}

test_allows_other_days if {
	count(freeze.deny) == 0 with input as on("2026-11-24", "tuesday")
}

test_allows_what_changes_no_device if {
	count(freeze.deny) == 0 with input as object.union(on("2026-12-24", "thursday"), {"counts": {"changed": 0}})
}

test_allows_a_frozen_day_with_an_approval if {
	approved := object.union(on("2026-12-24", "thursday"), {"approvals": [{"by": "ann", "role": "freeze"}]})
	count(freeze.deny) == 0 with input as approved
}

test_allows_a_worktree_which_has_no_day if {
	count(freeze.deny) == 0 with input as {"counts": {"changed": 1}, "head": {"time": null}, "approvals": []}
}
