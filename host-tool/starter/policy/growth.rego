# A configuration that grows by much at once is mostly a mistake, and one that fills its slot leaves no room for the next.
package policy.growth

# Of what it was, beyond the bytes that are never worth a word.
most_percent := 50

least_bytes := 1024

# Of the slot.
full_percent := 90

role := "growth"

approved if {
	some approval in input.approvals
	approval.role == role
}

deny contains msg if {
	not approved
	some group in input.groups
	group.kind == "changed"
	group.size.growth > least_bytes
	group.size.growth * 100 > most_percent * group.size.old.least
	msg := sprintf("a configuration of %s grows by %d bytes from %d; more than %d percent needs an approval with the role \"%s\"", [group.model, group.size.growth, group.size.old.least, most_percent, role])
}

warn contains msg if {
	some group in input.groups
	group.kind != "gone"
	group.size.new.most * 100 > full_percent * group.size.slot
	msg := sprintf("%d of the %d bytes of a slot of %s are used", [group.size.new.most, group.size.slot, group.model])
}
