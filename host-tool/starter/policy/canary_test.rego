package policy.canary_test

import data.policy.canary

plan(waves) := {"counts": {"changed": 5}, "rollout": {"wave": waves}}

rest := {"name": "rest", "percent": 100}

test_denies_without_a_rollout_file if {
	count(canary.deny) == 1 with input as {"counts": {"changed": 5}, "rollout": null}
}

test_denies_without_waves if {
	count(canary.deny) == 1 with input as plan([])
}

test_denies_everything_in_one_wave if {
	count(canary.deny) == 1 with input as plan([{"name": "canary", "percent": 1}])
}

test_denies_a_large_first_wave if {
	count(canary.deny) == 1 with input as plan([{"name": "half", "percent": 50}, rest])
}

test_allows_a_small_share_first if {
	count(canary.deny) == 0 with input as plan([{"name": "canary", "percent": 1}, rest])
}

test_allows_a_number_of_devices_first if {
	count(canary.deny) == 0 with input as plan([{"name": "canary", "count": 20}, rest])
}

test_allows_labelled_devices_first if {
	count(canary.deny) == 0 with input as plan([{"name": "canary", "match": "ring == \"canary\""}, rest])
}

test_allows_what_changes_no_device if {
	count(canary.deny) == 0 with input as {"counts": {"changed": 0}, "rollout": null}
}
