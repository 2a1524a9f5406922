"""What services ask of models and how they weigh what the models say.  Pure; imports schemas only."""
