package policy.safety_test

import data.policy.safety

group(risk) := {
	"kind": "changed",
	"risk": risk,
	"devices": {"count": 3},
	"fields": [{"path": "motor.limit", "risk": risk}],
}

test_denies_a_safety_field_without_an_approval if {
	some answer in safety.deny with input as {"groups": [group("safety")], "approvals": []}
	answer.field == "motor.limit"
}

test_denies_it_with_an_approval_of_another_role if {
	count(safety.deny) == 1 with input as {"groups": [group("safety")], "approvals": [{"by": "ann", "role": "freeze"}]}
}

test_denies_a_safety_section_of_which_no_field_is_shown if {
	hidden := object.union(group("safety"), {"fields": []})
	count(safety.deny) == 1 with input as {"groups": [hidden], "approvals": []}
}

test_allows_it_with_an_approval if {
	count(safety.deny) == 0 with input as {"groups": [group("safety")], "approvals": [{"by": "ann", "role": "safety"}]}
}

test_allows_fields_of_less_risk if {
	count(safety.deny) == 0 with input as {"groups": [group("connectivity"), group("low")], "approvals": []}
}
