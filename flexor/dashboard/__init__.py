"""The wearer's and the clinician's page: a process of its own beside the control loop."""
