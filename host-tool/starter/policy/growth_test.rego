package policy.growth_test

import data.policy.growth

plan(old, new) := {
	"approvals": [],
	"groups": [{
		"kind": "changed",
		"model": "sensor",
		"size": {
			"old": {"least": old, "most": old},
			"new": {"least": new, "most": new},
			"growth": new - old,
			"slot": 65536,
		},
	}],
}

test_denies_growth_by_more_than_half if {
	count(growth.deny) == 1 with input as plan(4000, 8000)
}

test_allows_growth_by_a_little if {
	count(growth.deny) == 0 with input as plan(4000, 5500)
}

test_allows_a_small_configuration_to_double if {
	count(growth.deny) == 0 with input as plan(200, 400)
}

test_allows_it_with_an_approval if {
	approved := object.union(plan(4000, 8000), {"approvals": [{"by": "ann", "role": "growth"}]})
	count(growth.deny) == 0 with input as approved
}

test_allows_devices_that_come_and_go if {
	come := {"kind": "new", "model": "sensor", "size": {"old": null, "new": {"least": 10, "most": 10}, "growth": null, "slot": 65536}}
	count(growth.deny) == 0 with input as {"groups": [come], "approvals": []}
}

test_warns_of_a_slot_that_fills_up if {
	count(growth.warn) == 1 with input as plan(60000, 60000)
}

test_is_silent_about_half_a_slot if {
	count(growth.warn) == 0 with input as plan(30000, 30000)
}
