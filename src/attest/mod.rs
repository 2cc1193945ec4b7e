//! The truth of the policy: its clauses, the controls that make each true, what shows that they are, and the evidence to take along.
