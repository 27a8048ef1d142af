# Days on which nothing changes. The day is that of the commit, in UTC, so that everybody who looks comes to the same verdict.
package policy.freeze

# Month and day, every year.
days := {"12-24", "12-25", "12-26", "12-31", "01-01"}

# As "saturday".
weekdays := set()

role := "freeze"

approved if {
	some approval in input.approvals
	approval.role == role
}

changes if input.counts.changed > 0

frozen if substring(input.head.time.date, 5, -1) in days

frozen if input.head.time.weekday in weekdays

deny contains msg if {
	changes
	frozen
	not approved
	msg := sprintf("nothing changes on %s %s, unless somebody with the role \"%s\" approves", [input.head.time.weekday, input.head.time.date, role])
}
