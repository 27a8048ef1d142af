# What can cut devices off reaches only so much of the fleet with one change.
package policy.connectivity

# Of all devices.
most_percent := 10

role := "connectivity"

approved if {
	some approval in input.approvals
	approval.role == role
}

hit := sum([group.devices.count |
	some group in input.groups
	group.kind == "changed"
	some section in group.sections
	section.risk == "connectivity"
])

# One device may always change, or a small fleet could not.
deny contains msg if {
	not approved
	hit > 1
	hit * 100 > most_percent * input.fleet.devices
	msg := sprintf("%d of %d devices could be cut off at once; at most %d percent may, unless somebody with the role \"%s\" approves", [hit, input.fleet.devices, most_percent, role])
}
