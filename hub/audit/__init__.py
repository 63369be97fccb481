"""The trail of every act: append, seal, verify."""
