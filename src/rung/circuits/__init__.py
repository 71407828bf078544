"""What a model's weights say by themselves: what a head looks for, what it copies, and which heads fit together."""
