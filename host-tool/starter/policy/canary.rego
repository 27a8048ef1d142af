# A change goes to a few devices first: the first wave of rollout.toml is small, and there is one after it.
package policy.canary

most_percent := 10

changes if input.counts.changed > 0

waves := input.rollout.wave

deny contains "there is no rollout.toml with waves: a change would reach every device at once" if {
	changes
	not waves[0]
}

deny contains "the only wave of rollout.toml is the first: nothing would be tried on a few devices before the rest" if {
	changes
	count(waves) == 1
}

deny contains msg if {
	changes
	waves[0]
	not small(waves[0])
	msg := sprintf("the first wave of rollout.toml is no canary: it needs `match`, a `count`, or a `percent` of at most %d", [most_percent])
}

small(wave) if wave.match

small(wave) if wave.count > 0

small(wave) if {
	wave.percent > 0
	wave.percent <= most_percent
}
