package policy.connectivity_test

import data.policy.connectivity

plan(devices, hit) := {
	"fleet": {"devices": devices},
	"approvals": [],
	"groups": [
		{"kind": "changed", "devices": {"count": hit}, "sections": [{"name": "network", "risk": "connectivity"}]},
		{"kind": "changed", "devices": {"count": 500}, "sections": [{"name": "sampling", "risk": "low"}]},
		{"kind": "new", "devices": {"count": 500}, "sections": []},
	],
}

test_denies_more_than_a_tenth if {
	count(connectivity.deny) == 1 with input as plan(1000, 101)
}

test_allows_a_tenth if {
	count(connectivity.deny) == 0 with input as plan(1000, 100)
}

test_allows_one_device_of_a_small_fleet if {
	count(connectivity.deny) == 0 with input as plan(2, 1)
}

test_denies_both_devices_of_a_small_fleet if {
	count(connectivity.deny) == 1 with input as plan(2, 2)
}

test_allows_the_whole_fleet_with_an_approval if {
	approved := object.union(plan(1000, 1000), {"approvals": [{"by": "ann", "role": "connectivity"}]})
	count(connectivity.deny) == 0 with input as approved
}
