# What can hurt somebody or break something changes only when a person who answers for it has agreed.
package policy.safety

role := "safety"

approved if {
	some approval in input.approvals
	approval.role == role
}

deny contains answer if {
	not approved
	some group in input.groups
	group.kind == "changed"
	some field in group.fields
	field.risk == "safety"
	answer := {
		"msg": sprintf("%s changes on %d devices, and nobody with the role \"%s\" has approved it", [field.path, group.devices.count, role]),
		"field": field.path,
	}
}

# A section can change without a field that is shown, as when it becomes a file of another format.
deny contains msg if {
	not approved
	some group in input.groups
	group.kind == "changed"
	group.risk == "safety"
	not shown(group)
	msg := sprintf("a safety section changes on %d devices, and nobody with the role \"%s\" has approved it", [group.devices.count, role])
}

shown(group) if {
	some field in group.fields
	field.risk == "safety"
}
