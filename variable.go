package baton

import "time"

// A Variable is a CI/CD variable of a group, a project or, with the zero source,
// the instance: a value that jobs get. The value is kept apart, sealed.
type Variable struct {
	ID     VariableID
	Source Source
	Key    string
	// File gives the job the path of a file with the value.
	File bool
	// Protected variables reach jobs for protected refs alone.
	Protected bool
	// Masked values are masked in logs; Hidden ones are shown to nobody again,
	// either.
	Masked, Hidden bool
	// Raw keeps the runner from expanding references in the value.
	Raw         bool
	Description string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}
